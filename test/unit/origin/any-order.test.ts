import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { type ByteRange, WITHHELD_TAIL_BYTES } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import type { LabOrigin } from '../../kit/origin-lab.ts'
import { contentOf, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { blob, content, PIECE, size, tail, UNIT } from '../../kit/unit-blob.ts'
import { manyTurns, unitLab } from '../../kit/unit-lab.ts'

const ask = { hop: false } as const

async function readRange({ ingest }: LabOrigin, range: ByteRange, standsAlone = true): Promise<Buffer> {
  const { read } = await ingest.open(blob, ask)
  return buffer(await read(range, { standsAlone }))
}

const isRight = (got: Buffer, { start, end }: ByteRange) => got.equals(content.bytes.subarray(start, end))

const oncePerByte = { least: 1, most: 1 }

async function isStuck(work: Promise<unknown>): Promise<boolean> {
  let settled = false
  work.then(
    () => (settled = true),
    () => (settled = true),
  )
  await manyTurns()
  return !settled
}

describe('a range of a cold blob', () => {
  test('at its end is given while nothing before it has come', async () => {
    const { barred, first, watched } = await unitLab()
    barred.bar(({ start }) => start < 9 * UNIT)
    const whole = first.ingest.ensure(blob, ask)
    expect(isRight(await readRange(first, tail), tail)).toBe(true)
    expect(watched.counts.total).toBeLessThan(size / 5)
    barred.bar(() => false)
    await whole
    expect(Buffer.compare(await readBlob(first.store, content.digest), content.bytes)).toBe(0)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })

  test('that may be part of a whole body waits for the digest with its last bytes, and fails when it is wrong', async () => {
    const wrong = Buffer.from(content.bytes)
    wrong.writeUInt8(wrong.readUInt8(5) ^ 1, 5)
    const { barred, first } = await unitLab({}, wrong)
    barred.bar(({ start }) => start < UNIT)
    const free = { start: tail.start - WITHHELD_TAIL_BYTES, end: tail.start - WITHHELD_TAIL_BYTES + 100 }
    expect(isRight(await readRange(first, free, false), free)).toBe(true)
    const withheld = readRange(first, tail, false)
    expect(await isStuck(withheld)).toBe(true)
    expect(isRight(await readRange(first, tail), tail)).toBe(true)
    barred.bar(() => false)
    await expect(withheld).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    expect(await first.store.partials()).toEqual([])
  })

  test('is read before what is only prefetched, and that before the rest', async () => {
    const { barred, first } = await unitLab()
    barred.bar(() => true)
    const { ingest } = first
    const whole = ingest.ensure(blob, ask)
    await ingest.want(blob, [{ start: 8 * UNIT, end: 8 * UNIT + 1 }], { ...ask, priority: 'prefetch' })
    await ingest.want(blob, [{ start: 6 * UNIT, end: 6 * UNIT + 1 }], { ...ask, priority: 'onDemand' })
    barred.bar(() => false)
    await whole
    // The first unit of the rest had begun before anybody asked.
    expect(barred.asked.map(({ start }) => start / UNIT)).toEqual([0, 6, 8, 1, 2, 3, 4, 5, 7, 9, 10])
  })

  test('is read once, however many readers ask for whatever parts of it', async () => {
    const { barred, first, watched } = await unitLab()
    const ranges = Array.from({ length: 200 }, (_, i) => {
      const start = (i * 7919 * 131) % (size - 5000)
      return { start, end: start + 1 + ((i * 613) % 5000) }
    })
    const got = await Promise.all(ranges.map((range) => readRange(first, range)))
    expect(got.every((bytes, i) => isRight(bytes, ranges[i]!))).toBe(true)
    await first.ingest.ensure(blob, ask)
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    expect(barred.asked.length).toBeLessThanOrEqual(Math.ceil(1.1 * (size / UNIT)))
  })

  test('that an earlier run left is given from the disk before its turn', async () => {
    const { barred, first } = await unitLab()
    await writePieces(await first.store.openPartial(content.digest, content.map), content, [20, 41])
    barred.bar(() => true)
    expect(isRight(await readRange(first, tail), tail)).toBe(true)
    barred.bar(() => false)
    await first.ingest.ensure(blob, ask)
    expect(Buffer.compare(await readBlob(first.store, content.digest), content.bytes)).toBe(0)
  })

  test('comes to another origin in any order, too, and leaves the backend once', async () => {
    const lab = await unitLab({ count: 3, replicas: 2 })
    const { barred, first, watched } = lab
    barred.bar(({ start }) => start < 9 * UNIT)
    const whole = Promise.all(lab.origins.map(({ ingest }) => ingest.ensure(blob, ask)))
    for (const origin of lab.origins) expect(isRight(await readRange(origin, tail), tail)).toBe(true)
    barred.bar(() => false)
    await whole
    expect(watched.counts.between(size)).toEqual(oncePerByte)
    expect(first.received.backend).toBe(size)
    for (const { store } of lab.origins) {
      expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
    }
  })

  test('of wrong content is refused by all origins after one read of the backend', async () => {
    const lab = await unitLab({ count: 3, replicas: 2 }, contentOf(cipherBytes('wrong', size), PIECE).bytes)
    lab.barred.bar(({ start }) => start < 9 * UNIT)
    const whole = Promise.allSettled(lab.origins.map(({ ingest }) => ingest.ensure(blob, ask)))
    await Promise.all(lab.origins.map((origin) => readRange(origin, tail)))
    lab.barred.bar(() => false)
    const codes = (await whole).map((end) => end.status === 'rejected' && (end.reason as { code: string }).code)
    expect(codes.toSorted()).toEqual(['BACKEND_CORRUPT', 'DIGEST_REFUSED', 'DIGEST_REFUSED'])
    expect(lab.watched.counts.between(size)).toEqual(oncePerByte)
    for (const { store } of lab.origins) expect(await store.partials()).toEqual([])
  })

  test('waits for what is before it where the backend gives no ranges', async () => {
    const { first, watched, barred } = await unitLab({ unitBytes: undefined })
    watched.openTo(9 * UNIT)
    const asked = readRange(first, tail)
    expect(await isStuck(asked)).toBe(true)
    watched.openTo(Number.POSITIVE_INFINITY)
    expect(isRight(await asked, tail)).toBe(true)
    await first.ingest.ensure(blob, ask)
    expect(barred.asked).toEqual([{ start: 0, end: size }])
    expect(watched.counts.between(size)).toEqual(oncePerByte)
  })
})
