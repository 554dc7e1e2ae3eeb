import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from '@jest/globals'
import { appError, byteBudget } from '../../../../../lib/base/index.ts'
import { type ReadSource, sourceReadable } from '../../../../../lib/swarm/torrent/read/reader.ts'

const LENGTH = 9_000_000
const content = Buffer.alloc(LENGTH).map((_, index) => (index * 7) % 251)

function source(init: { failAt?: number; lends?: boolean } = {}) {
  const state = { closed: 0, asked: 0, lent: 0, givenBack: 0 }
  const from: ReadSource = {
    async lend({ start, end }) {
      if (init.lends !== true || start >= (init.failAt ?? LENGTH)) return undefined
      state.lent += 1
      const bytes = Buffer.from(content.subarray(start, Math.min(end, start + 1_000_000 - (start % 1_000_000))))
      const release = () => {
        state.givenBack += 1
        bytes.fill(0xff)
      }
      return { bytes, release }
    },
    async next({ start }, into) {
      state.asked += 1
      if (start >= (init.failAt ?? LENGTH)) throw appError('STALLED')
      // Reads end at any byte, not at the end of a piece.
      const length = Math.min(into.length, 1_000_000 - (start % 1_000_000))
      into.set(content.subarray(start, start + length))
      return length
    },
    close() {
      state.closed += 1
    },
  }
  return { from, state }
}

describe.each([
  { transient: false, lends: false },
  { transient: true, lends: false },
  { transient: true, lends: true },
])('a stream of kind %p', ({ transient, lends }) => {
  test('gives exactly its range through a slow pipeline', async () => {
    const { from, state } = source({ lends })
    const range = { start: 123, end: LENGTH - 77 }
    const got: Buffer[] = []
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        // The chunk is checked only when it is really sent, as with a socket.
        setImmediate(() => {
          got.push(Buffer.from(chunk))
          done()
        })
      },
    })
    await pipeline(sourceReadable(from, range, { transient }), new PassThrough(), slow)
    expect(Buffer.compare(Buffer.concat(got), content.subarray(range.start, range.end))).toBe(0)
    expect(state.closed).toBe(1)
    expect(state.lent > 0).toBe(lends)
    expect(state.givenBack).toBe(state.lent)
  })

  test('is empty for an empty range', async () => {
    const { from, state } = source()
    expect(await buffer(sourceReadable(from, { start: 5, end: 5 }, { transient }))).toHaveLength(0)
    expect(state.asked).toBe(0)
  })
})

test('a stream that is not transient may be kept whole', async () => {
  expect(Buffer.compare(await buffer(sourceReadable(source().from, { start: 0, end: LENGTH })), content)).toBe(0)
})

test('a stream that is not transient borrows nothing', async () => {
  const { from, state } = source({ lends: true })
  expect(Buffer.compare(await buffer(sourceReadable(from, { start: 0, end: LENGTH })), content)).toBe(0)
  expect(state.lent).toBe(0)
})

test.each([
  ['is destroyed', { failAt: LENGTH }],
  ['fails', { failAt: 3_000_000 }],
])('a stream that %s gives back what it borrowed, once it has told so', async (_, init) => {
  const { from, state } = source({ ...init, lends: true })
  const stream = sourceReadable(from, { start: 0, end: LENGTH }, { transient: true })
  stream.on('data', () => {
    if (state.lent === 3) stream.destroy()
  })
  const told = new Promise((resolve) => stream.once('error', () => resolve(state.givenBack)))
  await once(stream, 'close')
  expect(state.lent).toBe(3)
  expect(state.givenBack).toBe(state.lent)
  if (stream.errored !== null) expect(await told).toBe(0)
})

test('nothing is read ahead of a consumer that does not read', async () => {
  const { from, state } = source()
  const stream = sourceReadable(from, { start: 0, end: LENGTH })
  await once(stream, 'readable')
  expect(state.asked).toBe(1)
  stream.destroy()
})

test('streams that nobody reads hold no more than their budget, and a small chunk each; one that is read gives all', async () => {
  const KIB = 1024
  const budget = byteBudget(1024 * KIB)
  const open = () => sourceReadable(source().from, { start: 0, end: LENGTH }, { transient: true, budget })
  const streams = Array.from({ length: 20 }, open)
  await Promise.all(streams.map((stream) => once(stream, 'readable')))
  expect(budget.takenBytes).toBe(1024 * KIB)
  const held = streams.map(({ readableLength }) => readableLength)
  expect(held.toSorted((a, b) => a - b)).toEqual([
    ...Array.from({ length: 16 }, () => 64 * KIB),
    ...Array.from({ length: 4 }, () => 256 * KIB),
  ])
  expect(Buffer.compare(await buffer(open()), content)).toBe(0)
  const closed = Promise.all(streams.map((stream) => once(stream, 'close')))
  for (const stream of streams) stream.destroy()
  await closed
  expect(budget.takenBytes).toBe(0)
})

test('a source that fails destroys the stream with its error, and is closed once', async () => {
  const { from, state } = source({ failAt: 2_000_000 })
  await expect(buffer(sourceReadable(from, { start: 0, end: LENGTH }))).rejects.toMatchObject({ code: 'STALLED' })
  expect(state.closed).toBe(1)
})

test('a signal that fires destroys the stream, before and while it is read', async () => {
  const early = sourceReadable(source().from, { start: 0, end: 9 }, { signal: AbortSignal.abort() })
  await expect(buffer(early)).rejects.toMatchObject({ code: 'ABORTED' })
  const controller = new AbortController()
  const { from, state } = source()
  const stream = sourceReadable({ ...from, next: () => new Promise(() => undefined) }, { start: 0, end: 9 }, controller)
  const failed = expect(buffer(stream)).rejects.toMatchObject({ code: 'ABORTED' })
  controller.abort()
  await failed
  expect(state.closed).toBe(1)
})

test('a stream that fails with nobody listening ends no process', () => {
  const stream = sourceReadable(source().from, { start: 0, end: 9 })
  expect(stream.listenerCount('error')).toBeGreaterThan(0)
  stream.destroy()
})
