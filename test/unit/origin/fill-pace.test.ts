import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { wholeRange } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import type { LabOrigin } from '../../kit/origin-lab.ts'
import { contentOf } from '../../kit/store-fixture.ts'
import { blob, PIECE, size, tail, UNIT } from '../../kit/unit-blob.ts'
import { manyTurns, readsRange, type UnitLab, unitLab } from '../../kit/unit-lab.ts'

const ask = { hop: false } as const
const oncePerByte = { least: 1, most: 1 }
const inUnit = (unit: number) => ({ start: unit * UNIT + 5, end: unit * UNIT + 500 })
/** What a backend has read for a stream that nobody takes yet. */
const MOST_READ_AHEAD = 4 * 64 * 1024

/** Reads the piece hashes as one does who wants the whole, until the digest is right. */
async function hashesOfAll({ ingest }: LabOrigin): Promise<void> {
  const arriving = await ingest.arriving(blob, { ...ask, whole: true })
  await arriving!.pieces.moreKnown(arriving!.pieces.partial.map.count - 1)
  arriving!.release()
}

describe('where nothing is filled', () => {
  const off = { fillBytesPerSecond: 0 }

  test('only the units of what is read leave the backend, once', async () => {
    const { first, barred, watched, clock } = await unitLab(off)
    expect(await readsRange(first, inUnit(3))).toBe(true)
    expect(await readsRange(first, inUnit(7))).toBe(true)
    expect(await readsRange(first, inUnit(3))).toBe(true)
    await clock.advance(10_000)
    await manyTurns()
    expect(barred.asked.map(({ start }) => start / UNIT)).toEqual([3, 7])
    expect(watched.counts.total).toBe(2 * UNIT)
    expect(first.unasked.filled).toBe(0)
  })

  test('who hears the hashes gets those of what others read, and nothing else is brought for him', async () => {
    const { first, watched } = await unitLab(off)
    const listener = await first.ingest.arriving(blob, ask)
    expect(await readsRange(first, inUnit(3))).toBe(true)
    await listener!.pieces.moreKnown(3)
    expect([...listener!.pieces.known].toSorted((a, b) => a - b)).toEqual([12, 13, 14, 15])
    await manyTurns()
    expect(watched.counts.total).toBe(UNIT)
    listener!.release()
  })

  test.each<[string, (origin: LabOrigin) => Promise<unknown>]>([
    ['who waits for the whole', ({ ingest }) => ingest.ensure(blob, ask)],
    ['who reads the whole', (origin) => readsRange(origin, wholeRange(size), false)],
    ['who reads an end that may be of a whole body', (origin) => readsRange(origin, tail, false)],
    ['who hears the hashes and says that he wants the whole', hashesOfAll],
  ])('%s has all of it brought', async (_, want) => {
    const { first, watched } = await unitLab(off)
    await want(first)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    expect(first.unasked.filled).toBe(0)
  })

  test('who reads the whole has all of it brought, however slowly he takes it', async () => {
    const { first, watched } = await unitLab(off)
    const { read } = await first.ingest.open(blob, ask)
    const body = await read(wholeRange(size))
    await eventually(() => expect(watched.counts.total).toBe(size))
    body.destroy()
  })

  test('units that nobody asked for are not read in one request with those of a reader who reads on', async () => {
    const runs = { ...off, runBytes: 8 * UNIT }
    const one = await unitLab(runs)
    for (const unit of [0, 1, 2]) expect(await readsRange(one.first, inUnit(unit))).toBe(true)
    expect(one.watched.counts.total).toBe(3 * UNIT)
    const two = await unitLab(runs)
    for (const unit of [0, 1]) expect(await readsRange(two.first, inUnit(unit))).toBe(true)
    expect(await readsRange(two.first, { start: 2 * UNIT, end: 4 * UNIT })).toBe(true)
    expect(two.barred.asked.map(({ start, end }) => (end - start) / UNIT)).toEqual([1, 1, 2])
  })

  test('who gives up waiting for the whole leaves it where it is', async () => {
    const { first, barred, watched } = await unitLab(off)
    barred.bar(({ start }) => start >= 2 * UNIT)
    const leaving = new AbortController()
    const whole = first.ingest.ensure(blob, { ...ask, signal: leaving.signal })
    await eventually(() => expect(barred.asked).toHaveLength(5))
    leaving.abort()
    await expect(whole).rejects.toMatchObject({ code: 'ABORTED' })
    barred.bar(() => false)
    await manyTurns()
    expect(barred.asked).toHaveLength(5)
    expect(watched.counts.total).toBe(5 * UNIT)
  })

  test('a backend that is read front to back rests behind what is read, and goes on in the same read', async () => {
    const { first, barred, watched } = await unitLab({ ...off, unitBytes: undefined })
    expect(await readsRange(first, inUnit(1))).toBe(true)
    await manyTurns()
    expect(first.received.backend).toBeLessThan(2 * UNIT + MOST_READ_AHEAD)
    expect(await readsRange(first, inUnit(4))).toBe(true)
    await manyTurns()
    expect(first.received.backend).toBeLessThan(5 * UNIT + MOST_READ_AHEAD)
    expect(barred.asked).toEqual([wholeRange(size)])
    await first.ingest.ensure(blob, ask)
    expect(barred.asked).toEqual([wholeRange(size)])
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })

  test('an origin that follows another one asks it only for what is read', async () => {
    const lab = await unitLab({ ...off, count: 3, replicas: 2 })
    for (const origin of lab.origins) expect(await readsRange(origin, inUnit(3))).toBe(true)
    await manyTurns()
    expect(lab.watched.counts.total).toBe(UNIT)
    expect(lab.barred.asked.map(({ start }) => start / UNIT)).toEqual([3])
  })

  test('an origin that follows ends the stream of the whole when nobody wants the whole any more', async () => {
    const lab = await unitLab({ ...off, count: 2, replicas: 2 })
    const { first, barred, watched } = lab
    const follower = lab.origins.find((each) => each !== first)!
    barred.bar(({ start }) => start >= 2 * UNIT)
    const listener = await follower.ingest.arriving(blob, ask)
    const leaving = new AbortController()
    const whole = follower.ingest.ensure(blob, { ...ask, signal: leaving.signal })
    await eventually(() => expect(barred.asked).toHaveLength(5))
    leaving.abort()
    await expect(whole).rejects.toMatchObject({ code: 'ABORTED' })
    await manyTurns()
    barred.bar(() => false)
    await manyTurns()
    // The stream was at 2 MiB, and had asked for the next 8.
    expect(watched.counts.total).toBe(10 * UNIT)
    expect(await readsRange(follower, tail)).toBe(true)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    listener!.release()
  })
})

describe('a fill at a rate', () => {
  const atRate = { fillBytesPerSecond: UNIT }
  /** What the rate lets through in so many seconds, beside what it saves up in one. */
  const most = (seconds: number) => (1 + seconds) * UNIT
  const keepsTheRate = async ({ first, clock }: Pick<UnitLab, 'first' | 'clock'>, seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      await manyTurns()
      expect(first.received.backend).toBeLessThanOrEqual(most(second))
      expect(first.received.backend).toBeGreaterThan(most(second) - PIECE)
      await clock.advance(1000)
    }
  }

  test('brings no more bytes than the rate lets through, and in the end all of them', async () => {
    const { first, clock, watched } = await unitLab(atRate)
    const listener = await first.ingest.arriving(blob, ask)
    await keepsTheRate({ first, clock }, 9)
    await clock.advance(2000)
    await manyTurns()
    expect(await first.store.stat(blob.digest)).toBeDefined()
    expect(first.unasked.filled).toBe(size)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    listener!.release()
  })

  test('is shared by all blobs of an origin', async () => {
    const { first, clock, inner } = await unitLab(atRate)
    const other = contentOf(cipherBytes('another', size), PIECE)
    await inner.write(blobKey(other.digest), other.bytes, { size })
    const listeners = [blob, { ...blob, digest: other.digest }].map((each) => first.ingest.arriving(each, ask))
    await Promise.all(listeners)
    await clock.advance(4000)
    await manyTurns()
    expect(first.received.backend).toBeLessThanOrEqual(most(4))
    expect(first.received.backend).toBeGreaterThan(most(4) - 2 * PIECE)
    for (const listener of listeners) (await listener)!.release()
  })

  test('holds up nobody who reads, nor who waits for the whole', async () => {
    const { first, clock, watched } = await unitLab(atRate)
    const listener = await first.ingest.arriving(blob, ask)
    await clock.advance(1500)
    expect(await readsRange(first, inUnit(9))).toBe(true)
    expect(await readsRange(first, inUnit(2))).toBe(true)
    await first.ingest.ensure(blob, ask)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    listener!.release()
  })

  test('paces a backend that is read front to back in the same way', async () => {
    const { first, clock, barred, watched } = await unitLab({ ...atRate, unitBytes: undefined })
    const listener = await first.ingest.arriving(blob, ask)
    await keepsTheRate({ first, clock }, 3)
    expect(await readsRange(first, inUnit(7))).toBe(true)
    await first.ingest.ensure(blob, ask)
    expect(barred.asked).toEqual([wholeRange(size)])
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    listener!.release()
  })

  test('is kept by the origin that reads the backend; who follows it brings what is wanted there', async () => {
    const lab = await unitLab({ ...atRate, count: 2, replicas: 2 })
    const { first, clock, watched } = lab
    const follower = lab.origins.find((each) => each !== first)!
    const listener = await follower.ingest.arriving(blob, ask)
    const own = await first.ingest.arriving(blob, ask)
    await clock.advance(3000)
    await manyTurns()
    expect(watched.counts.total).toBeLessThanOrEqual(most(3) + MOST_READ_AHEAD)
    expect(follower.received.origin).toBe(0)
    await follower.ingest.ensure(blob, ask)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    listener!.release()
    own!.release()
  })

  test('rests while the backend asks to slow down, and fails nobody', async () => {
    let isRefused = true
    const lab = await unitLab({
      ...atRate,
      wrapBackend: (backend) => ({
        ...backend,
        read(key, options) {
          if (!isRefused) return backend.read(key, options)
          throw appError('BACKEND_THROTTLED', { detail: { retryAfterMs: 7_000 } })
        },
      }),
    })
    const listener = await lab.first.ingest.arriving(blob, ask)
    await lab.clock.advance(6_000)
    expect(lab.first.received.backend).toBe(0)
    isRefused = false
    await lab.clock.advance(2_000)
    await listener!.pieces.moreKnown(1)
    listener!.release()
  })
})
