import { expect, test } from '@jest/globals'
import { appError, type Deferred, deferred } from '../../../../../lib/base/index.ts'
import { type ByteRange, PieceMap } from '../../../../../lib/core/index.ts'
import {
  SLICE_LENGTH,
  type SliceCache,
  type SliceSource,
  sliceCache,
} from '../../../../../lib/swarm/torrent/shared/slice-cache.ts'
import { warmPieces } from '../../../../../lib/swarm/torrent/shared/warm-pieces.ts'

const nothingWarm = warmPieces(0)
const LENGTH = 2 * SLICE_LENGTH + 100
const content = Buffer.alloc(LENGTH).map((_, index) => index % 251)

function source(key = 'blob') {
  const reads: ByteRange[] = []
  const gate: { wait: Deferred<void> | undefined } = { wait: undefined }
  const from: SliceSource = {
    key,
    map: new PieceMap(LENGTH, SLICE_LENGTH),
    sliceLength: SLICE_LENGTH,
    async read(range, into = Buffer.alloc(range.end - range.start)) {
      reads.push(range)
      await gate.wait?.promise
      into.set(content.subarray(range.start, range.end))
      return into
    },
  }
  return { ...from, reads, gate }
}

async function read(cache: SliceCache, from: SliceSource, range: ByteRange): Promise<Uint8Array> {
  const into = Buffer.alloc(range.end - range.start)
  await cache.read(from, range, into)
  return into
}

const right = (bytes: Uint8Array, { start, end }: ByteRange) =>
  Buffer.compare(bytes, content.subarray(start, end)) === 0

test('four blocks of one slice, asked for at once, cost one read', async () => {
  const from = source()
  const cache = sliceCache(10 * SLICE_LENGTH, nothingWarm)
  const quarter = SLICE_LENGTH / 4
  const ranges = [0, 1, 2, 3].map((index) => ({ start: index * quarter, end: (index + 1) * quarter }))
  const blocks = await Promise.all(ranges.map((range) => read(cache, from, range)))
  expect(from.reads).toEqual([{ start: 0, end: SLICE_LENGTH }])
  for (const [index, block] of blocks.entries()) expect(right(block, ranges[index]!)).toBe(true)
})

test('a range over several slices comes whole, to the last byte', async () => {
  const range = { start: SLICE_LENGTH - 10, end: LENGTH }
  expect(right(await read(sliceCache(10 * SLICE_LENGTH, nothingWarm), source(), range), range)).toBe(true)
})

test('a piece that is warm costs no read', async () => {
  const from = source()
  const warm = warmPieces(10 * SLICE_LENGTH)
  const piece = content.subarray(SLICE_LENGTH, 2 * SLICE_LENGTH)
  warm.keep(from.key, 1, { bytes: piece, heldBytes: piece.length, free: () => undefined }, true)
  const range = { start: SLICE_LENGTH + 5, end: SLICE_LENGTH + 800 }
  const cache = sliceCache(SLICE_LENGTH, warm)
  expect(right(await read(cache, from, range), range)).toBe(true)
  expect(right((await cache.lend(from, range))!.bytes, range)).toBe(true)
  expect(from.reads).toEqual([])
  const beyond = { start: 2 * SLICE_LENGTH - 5, end: 2 * SLICE_LENGTH + 5 }
  expect(right(await read(cache, from, beyond), beyond)).toBe(true)
  expect(from.reads).toEqual([{ start: 2 * SLICE_LENGTH, end: LENGTH }])
})

test('a read that failed is tried again', async () => {
  const from = source()
  const broken = { ...from, read: () => Promise.reject(appError('STORE_CORRUPT')) }
  const cache = sliceCache(SLICE_LENGTH, nothingWarm)
  await expect(read(cache, broken, { start: 0, end: 1 })).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  expect(right(await read(cache, from, { start: 0, end: 9 }), { start: 0, end: 9 })).toBe(true)
})

test('holds no more than its bound, the least recently used goes first', async () => {
  const from = source()
  const cache = sliceCache(2 * SLICE_LENGTH, nothingWarm)
  for (const start of [0, SLICE_LENGTH, 0, 2 * SLICE_LENGTH, 0, SLICE_LENGTH]) {
    expect(right(await read(cache, from, { start, end: start + 50 }), { start, end: start + 50 })).toBe(true)
  }
  expect(from.reads.map(({ start }) => start / SLICE_LENGTH)).toEqual([0, 1, 2, 1])
})

test('a source that ignores the memory it is given is copied from', async () => {
  const from = { ...source(), read: async ({ start, end }: ByteRange) => content.subarray(start, end) }
  const range = { start: 5, end: SLICE_LENGTH + 5 }
  expect(right(await read(sliceCache(4 * SLICE_LENGTH, nothingWarm), from, range), range)).toBe(true)
})

test('a slice that is being read is not given to another meanwhile: that one is read without the cache', async () => {
  const [slow, other] = [source('slow'), source('other')]
  const cache = sliceCache(SLICE_LENGTH, nothingWarm)
  slow.gate.wait = deferred()
  const waiting = read(cache, slow, { start: 3, end: 900 })
  expect(right(await read(cache, other, { start: 7, end: 80 }), { start: 7, end: 80 })).toBe(true)
  expect(other.reads).toEqual([{ start: 7, end: 80 }])
  slow.gate.wait.resolve()
  expect(right(await waiting, { start: 3, end: 900 })).toBe(true)
})

test('what is lent stays as it is until it is given back, also when others need room', async () => {
  const from = source()
  const cache = sliceCache(SLICE_LENGTH, nothingWarm)
  const range = { start: 100, end: 900 }
  const loan = await cache.lend(from, range)
  expect(await cache.lend(from, { start: SLICE_LENGTH, end: SLICE_LENGTH + 5 })).toBeUndefined()
  const other = { start: 2 * SLICE_LENGTH, end: LENGTH }
  expect(right(await read(cache, from, other), other)).toBe(true)
  expect(right(loan!.bytes, range)).toBe(true)
  loan!.release()
  const next = await cache.lend(from, { start: SLICE_LENGTH, end: SLICE_LENGTH + 5 })
  expect(right(next!.bytes, { start: SLICE_LENGTH, end: SLICE_LENGTH + 5 })).toBe(true)
})

test('of a range over two slices the first part is lent, and a failed read lends nothing for ever', async () => {
  const from = source()
  const cache = sliceCache(SLICE_LENGTH, nothingWarm)
  const first = await cache.lend(from, { start: SLICE_LENGTH - 3, end: SLICE_LENGTH + 1 })
  expect(first?.bytes).toEqual(content.subarray(SLICE_LENGTH - 3, SLICE_LENGTH))
  first?.release()
  const broken = { ...from, read: () => Promise.reject(appError('STORE_CORRUPT')) }
  await expect(cache.lend(broken, { start: SLICE_LENGTH, end: SLICE_LENGTH + 1 })).rejects.toMatchObject({
    code: 'STORE_CORRUPT',
  })
  expect((await cache.lend(from, { start: 0, end: 9 }))?.bytes).toHaveLength(9)
})

test('what a failed read left in memory is kept for nobody, not even for a moment', async () => {
  const from = source()
  const cache = sliceCache(10 * SLICE_LENGTH, nothingWarm)
  const failing: SliceSource = { ...from, read: () => Promise.reject(appError('STORE_CORRUPT')) }
  const range = { start: 0, end: 100 }
  const failed = read(cache, failing, range).catch(() => undefined)
  const between: Promise<Uint8Array>[] = []
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve()
    between.push(read(cache, from, range))
  }
  await failed
  for (const bytes of await Promise.allSettled(between)) {
    if (bytes.status === 'fulfilled') expect(right(bytes.value, range)).toBe(true)
  }
})

test('forgets what is not in use when it rests, and keeps what is lent', async () => {
  const from = source()
  const cache = sliceCache(10 * SLICE_LENGTH, nothingWarm)
  const range = { start: 0, end: 100 }
  const other = { start: SLICE_LENGTH, end: SLICE_LENGTH + 100 }
  const loan = await cache.lend(from, range)
  await read(cache, from, other)
  const before = from.reads.length
  cache.rest()
  await read(cache, from, range)
  expect(from.reads.length).toBe(before)
  await read(cache, from, other)
  expect(from.reads.length).toBe(before + 1)
  expect(right(loan!.bytes, range)).toBe(true)
})

test('what is forgotten is read anew, also what was under way or lent, and its memory comes back', async () => {
  const [old, fresh, other] = [source('same'), source('same'), source('other')]
  const cache = sliceCache(3 * SLICE_LENGTH, nothingWarm)
  const at = (index: number) => ({ start: index * SLICE_LENGTH, end: index * SLICE_LENGTH + 50 })
  await read(cache, old, at(0))
  const loan = await cache.lend(old, at(1))
  old.gate.wait = deferred()
  const underWay = read(cache, old, at(2))
  cache.forget('same')
  expect(cache.lendNow(fresh, at(0))).toBeUndefined()
  for (const index of [0, 1, 2]) expect(right(await read(cache, fresh, at(index)), at(index))).toBe(true)
  expect(fresh.reads.map(({ start }) => start / SLICE_LENGTH)).toEqual([0, 1, 2])
  expect(right(loan!.bytes, at(1))).toBe(true)
  loan?.release()
  old.gate.wait.resolve()
  expect(right(await underWay, at(2))).toBe(true)
  for (const index of [0, 1, 2, 0, 1, 2]) await read(cache, other, at(index))
  expect(other.reads).toHaveLength(3)
})

test('a part of the memory is never lent, so that who keeps what was lent does not take all from others', async () => {
  const sources = Array.from({ length: 6 }, (_, index) => source(`blob-${index}`))
  const cache = sliceCache(4 * SLICE_LENGTH, nothingWarm)
  const range = { start: 0, end: 50 }
  const loans = []
  for (const from of sources) loans.push(await cache.lend(from, range))
  expect(loans.map((loan) => loan !== undefined)).toEqual([true, true, true, false, false, false])
  const other = source('other')
  for (let time = 0; time < 3; time += 1) expect(right(await read(cache, other, range), range)).toBe(true)
  expect(other.reads).toHaveLength(1)
  loans[0]?.release()
  expect(await cache.lend(other, range)).toBeDefined()
})
