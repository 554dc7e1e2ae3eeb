import { expect, test } from '@jest/globals'
import { appError } from '../../../../lib/base/index.ts'
import { type ByteRange, PieceMap } from '../../../../lib/core/index.ts'
import { SLICE_LENGTH, sliceCache } from '../../../../lib/swarm/torrent/slice-cache.ts'

const LENGTH = 2 * SLICE_LENGTH + 100
const content = Buffer.alloc(LENGTH).map((_, index) => index % 251)

function source() {
  const reads: ByteRange[] = []
  return {
    reads,
    key: 'blob',
    map: new PieceMap(LENGTH),
    read: async (range: ByteRange) => {
      reads.push(range)
      return content.subarray(range.start, range.end)
    },
  }
}

test('four blocks of one slice, asked for at once, cost one read', async () => {
  const from = source()
  const cache = sliceCache(10 * SLICE_LENGTH)
  const quarter = SLICE_LENGTH / 4
  const starts = [0, 1, 2, 3].map((index) => index * quarter)
  const blocks = await Promise.all(starts.map((start) => cache.read(from, { start, end: start + quarter })))
  expect(from.reads).toEqual([{ start: 0, end: SLICE_LENGTH }])
  expect(Buffer.compare(Buffer.concat(blocks), content.subarray(0, SLICE_LENGTH))).toBe(0)
})

test('a range over several slices comes in one piece, to the last byte', async () => {
  const range = { start: SLICE_LENGTH - 10, end: LENGTH }
  const bytes = await sliceCache(10 * SLICE_LENGTH).read(source(), range)
  expect(Buffer.compare(bytes, content.subarray(range.start, range.end))).toBe(0)
})

test('a piece that was just written is not read again', async () => {
  const from = source()
  const cache = sliceCache(10 * SLICE_LENGTH)
  cache.keep(from, 1, content.subarray(SLICE_LENGTH, 2 * SLICE_LENGTH))
  const bytes = await cache.read(from, { start: SLICE_LENGTH + 5, end: SLICE_LENGTH + 8 })
  expect([...bytes]).toEqual([...content.subarray(SLICE_LENGTH + 5, SLICE_LENGTH + 8)])
  expect(from.reads).toEqual([])
})

test('a read that failed is tried again', async () => {
  const from = source()
  const broken = { ...from, read: () => Promise.reject(appError('STORE_CORRUPT')) }
  const cache = sliceCache(10 * SLICE_LENGTH)
  await expect(cache.read(broken, { start: 0, end: 1 })).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  expect(await cache.read(from, { start: 0, end: 1 })).toHaveLength(1)
})

test('holds no more bytes than its bound', async () => {
  const from = source()
  const cache = sliceCache(SLICE_LENGTH)
  for (const start of [0, SLICE_LENGTH, 0]) await cache.read(from, { start, end: start + 1 })
  expect(from.reads).toHaveLength(3)
})
