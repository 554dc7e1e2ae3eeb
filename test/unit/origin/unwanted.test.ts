import { describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import type { OnWanted } from '../../../lib/swarm/index.ts'
import { metainfoStream } from '../../../services/origin/bring/metainfo-stream.ts'
import { pieceHashes } from '../../../services/origin/bring/piece-hashes.ts'
import { eventually } from '../../kit/eventually.ts'
import { idleMs, type LabOrigin } from '../../kit/origin-lab.ts'
import { silentSeed } from '../../kit/silent-seed.ts'
import { readBlob } from '../../kit/store-fixture.ts'
import { blob, content, size, UNIT } from '../../kit/unit-blob.ts'
import { manyTurns, readsRange, type UnitLab, unitLab } from '../../kit/unit-lab.ts'

const ask = { hop: false } as const
const oncePerByte = { least: 1, most: 1 }
const inUnit = (unit: number) => ({ start: unit * UNIT + 5, end: unit * UNIT + 500 })

const claimOf = async ({ ingest }: LabOrigin) => (await ingest.holding(blob)).claim

/** A client that waits for the whole, and leaves when so many units have been asked of the backend. */
async function leavesAfter({ barred }: UnitLab, { ingest }: LabOrigin, units: number): Promise<void> {
  const leaving = new AbortController()
  const whole = ingest.ensure(blob, { ...ask, signal: leaving.signal })
  await eventually(() => expect(barred.asked).toHaveLength(units))
  leaving.abort()
  await expect(whole).rejects.toMatchObject({ code: 'ABORTED' })
}

describe('a blob that nobody wants any more', () => {
  test('is brought on for a while; then what has begun is read to its end, and nothing else', async () => {
    const lab = await unitLab()
    const { first, barred, clock, watched } = lab
    const timers = clock.pending
    barred.bar(({ start }) => start >= 2 * UNIT)
    await leavesAfter(lab, first, 5)
    await clock.advance(idleMs)
    expect(await claimOf(first)).toBe('reading')
    // Where one has ended, no other begins.
    barred.bar(({ start }) => start >= 3 * UNIT)
    await eventually(() => expect(watched.counts.total).toBe(3 * UNIT))
    await manyTurns()
    expect(barred.asked).toHaveLength(5)
    barred.bar(() => false)
    await eventually(() => expect(first.unasked.unwanted).toBe(1))
    expect(await claimOf(first)).toBe('none')
    expect(watched.counts.total).toBe(5 * UNIT)
    expect(first.store.usedBytes).toBe(5 * UNIT)
    await first.ingest.ensure(blob, ask)
    expect(Buffer.compare(await readBlob(first.store, content.digest), content.bytes)).toBe(0)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    expect(clock.pending).toBe(timers)
  })

  test('is given up with what has begun when the backend does not give it in another while', async () => {
    const lab = await unitLab()
    const { first, barred, clock, watched } = lab
    barred.bar(({ start }) => start >= 2 * UNIT)
    await leavesAfter(lab, first, 5)
    await clock.advance(2 * idleMs)
    expect(first.unasked.unwanted).toBe(1)
    expect(await claimOf(first)).toBe('none')
    await first.ingest.stop()
    barred.bar(() => false)
    await manyTurns()
    expect(watched.counts.total).toBe(2 * UNIT)
    await first.ingest.start()
    await first.ingest.ensure(blob, ask)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })

  test('makes room at once for what needs it, and is brought anew to who comes then', async () => {
    const lab = await unitLab()
    const { first, barred, watched } = lab
    barred.bar(({ start }) => start >= 2 * UNIT)
    const leaving = new AbortController()
    const whole = first.ingest.ensure(blob, { ...ask, signal: leaving.signal })
    await eventually(() => expect(watched.counts.total).toBe(2 * UNIT))
    await manyTurns()
    expect(await first.store.dropPartial(blob.digest)).toBe(false)
    leaving.abort()
    await expect(whole).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await first.store.dropPartial(blob.digest)).toBe(true)
    expect([first.unasked.unwanted, await claimOf(first), first.store.usedBytes]).toEqual([1, 'none', 0])
    barred.bar(() => false)
    await first.ingest.ensure(blob, ask)
    expect(Buffer.compare(await readBlob(first.store, content.digest), content.bytes)).toBe(0)
  })

  test('is brought anew to who comes in the moment in which it makes room', async () => {
    const lab = await unitLab()
    const { first, barred } = lab
    barred.bar(({ start }) => start >= 2 * UNIT)
    await leavesAfter(lab, first, 5)
    await eventually(() => expect(first.store.usedBytes).toBe(2 * UNIT))
    await manyTurns()
    const partial = await first.store.openPartial(blob.digest, content.map)
    const dropped = first.store.dropPartial(blob.digest)
    while (!partial.isGone) await Promise.resolve()
    const whole = first.ingest.ensure(blob, ask)
    expect(await dropped).toBe(true)
    barred.bar(() => false)
    await whole
    expect(Buffer.compare(await readBlob(first.store, content.digest), content.bytes)).toBe(0)
    expect(first.unasked.unwanted).toBe(1)
  })

  test('is brought on by the same run when somebody comes before that', async () => {
    const lab = await unitLab()
    const { first, barred, clock, watched } = lab
    barred.bar(({ start }) => start >= 2 * UNIT)
    await leavesAfter(lab, first, 5)
    await clock.advance(idleMs)
    const whole = first.ingest.ensure(blob, ask)
    barred.bar(() => false)
    await whole
    expect(first.unasked.unwanted).toBe(0)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })

  test('is brought by a new run at once while the requests of the old one are given up', async () => {
    const lab = await unitLab()
    const { first, barred, clock, watched } = lab
    barred.bar(({ start }) => start >= 2 * UNIT)
    await leavesAfter(lab, first, 5)
    const second = clock.advance(2 * idleMs).then(() => first.ingest.ensure(blob, ask))
    await eventually(() => expect(first.unasked.unwanted).toBe(1))
    barred.bar(() => false)
    await second
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })

  test('is left where it is where a backend is read front to back, and the next read goes on there', async () => {
    const lab = await unitLab({ unitBytes: undefined })
    const { first, barred, clock, watched } = lab
    watched.openTo(3 * UNIT)
    await leavesAfter(lab, first, 1)
    await eventually(() => expect(first.received.backend).toBe(3 * UNIT))
    await clock.advance(idleMs)
    expect(first.unasked.unwanted).toBe(1)
    watched.openTo(Number.POSITIVE_INFINITY)
    await first.ingest.ensure(blob, ask)
    expect(barred.asked).toEqual([
      { start: 0, end: size },
      { start: 3 * UNIT, end: size },
    ])
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })

  test('is completed when nothing of it is missing but the digest', async () => {
    const { first, clock } = await unitLab()
    const [noted, go] = [deferred(), deferred()]
    const putSidecar = () => {
      noted.resolve()
      return go.promise
    }
    Object.assign(first.store, { putSidecar })
    const leaving = new AbortController()
    const whole = first.ingest.ensure(blob, { ...ask, signal: leaving.signal })
    await noted.promise
    leaving.abort()
    await expect(whole).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(10 * idleMs)
    expect(first.unasked.unwanted).toBe(0)
    go.resolve()
    await first.ingest.ensure(blob, ask)
  })
})

describe('a blob is brought on', () => {
  test('while a reader has not read all of his range, however slow he is', async () => {
    const { first, barred, clock } = await unitLab()
    barred.bar(({ start }) => start >= 2 * UNIT)
    const { read } = await first.ingest.open(blob, ask)
    const body = await read({ start: 0, end: UNIT }, { standsAlone: true })
    await clock.advance(10 * idleMs)
    expect(await claimOf(first)).toBe('reading')
    body.destroy()
    await manyTurns()
    await clock.advance(2 * idleMs)
    expect(first.unasked.unwanted).toBe(1)
  })

  test('while peers of the swarm say that they want some of it', async () => {
    let told: OnWanted = () => undefined
    const seedArriving = (_: BlobRef, __: unknown, onWanted: OnWanted) => {
      told = onWanted
      return silentSeed()
    }
    const { first, barred, clock } = await unitLab({ seedArriving, fillBytesPerSecond: 0 })
    barred.bar(({ start }) => start >= 5 * UNIT)
    expect(await readsRange(first, inUnit(1))).toBe(true)
    told([inUnit(3)], 'onDemand')
    told([inUnit(6)], 'fill')
    await clock.advance(10 * idleMs)
    expect(barred.asked.map(({ start }) => start / UNIT)).toEqual([1, 3, 6])
    told([], 'onDemand')
    await clock.advance(10 * idleMs)
    expect(await claimOf(first)).toBe('reading')
    told([], 'fill')
    await clock.advance(2 * idleMs)
    expect(first.unasked.unwanted).toBe(1)
  })

  test('while somebody hears the hashes of its pieces', async () => {
    const { first, barred, clock } = await unitLab()
    barred.bar(() => true)
    const { store, ingest } = first
    const hashes = pieceHashes(store)
    const records = metainfoStream({ store, ingest, pieceHashes: hashes, clock }, blob, ask)
    await records.next()
    const next = records.next()
    await eventually(() => expect(barred.asked).toHaveLength(1))
    await clock.advance(10 * idleMs)
    expect(await claimOf(first)).toBe('reading')
    await next
    await records.return(undefined)
    await manyTurns()
    await clock.advance(2 * idleMs)
    expect(first.unasked.unwanted).toBe(1)
  })

  test('no longer than at the last of the origins that follow each other somebody wants it', async () => {
    const lab = await unitLab({ count: 3, replicas: 2 })
    const { first, barred, clock, watched } = lab
    barred.bar(({ start }) => start >= 2 * UNIT)
    const others = lab.origins.filter((each) => each !== first)
    const leaving = new AbortController()
    const left = others.map(({ ingest }) => ingest.ensure(blob, { ...ask, signal: leaving.signal }))
    await eventually(() => expect(barred.asked).toHaveLength(5))
    await clock.advance(10 * idleMs)
    expect(await claimOf(first)).toBe('reading')
    leaving.abort()
    await Promise.allSettled(left)
    await clock.advance(idleMs)
    await eventually(() => expect(others.map(({ unasked }) => unasked.unwanted)).toEqual([1, 1]))
    expect(await claimOf(first)).toBe('reading')
    await clock.advance(2 * idleMs)
    expect(first.unasked.unwanted).toBe(1)
    barred.bar(() => false)
    await Promise.all(lab.origins.map(({ ingest }) => ingest.ensure(blob, ask)))
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })

  test('at an origin that follows when the one that it followed has given the blob up', async () => {
    const lab = await unitLab({ count: 2, replicas: 2, fillBytesPerSecond: 0 })
    const { first, clock, watched } = lab
    const follower = lab.origins.find((each) => each !== first)!
    const listener = await follower.ingest.arriving(blob, ask)
    expect(await readsRange(follower, inUnit(3))).toBe(true)
    await clock.advance(2 * idleMs)
    expect(first.unasked.unwanted).toBe(1)
    expect(await readsRange(follower, inUnit(5))).toBe(true)
    await follower.ingest.ensure(blob, ask)
    expect(first.received.backend).toBe(size)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    listener!.release()
  })

  test('with what a killed origin has left, and nothing of it is read again', async () => {
    const lab = await unitLab()
    const { first, barred, watched } = lab
    barred.bar(({ start }) => start >= 2 * UNIT)
    await leavesAfter(lab, first, 5)
    await first.kill()
    barred.bar(() => false)
    first.restart()
    await first.ingest.ensure(blob, ask)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })
})
