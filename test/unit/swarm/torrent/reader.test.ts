import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../../lib/base/index.ts'
import { type ReadSource, sourceReadable } from '../../../../lib/swarm/torrent/reader.ts'

const LENGTH = 5_000_000
const content = Buffer.alloc(LENGTH).map((_, index) => (index * 7) % 251)

function source(init: { failAt?: number } = {}) {
  const state = { closed: 0, asked: 0 }
  const from: ReadSource = {
    async next({ start }, into) {
      state.asked += 1
      if (start >= (init.failAt ?? LENGTH)) throw appError('STALLED')
      // Pieces end wherever they end.
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

describe.each([true, false])('a stream that is transient: %s', (transient) => {
  test('gives exactly its range through a slow pipeline', async () => {
    const { from, state } = source()
    const range = { start: 123, end: LENGTH - 77 }
    const got: Buffer[] = []
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        // The chunk is looked at only when it leaves, as a socket does.
        setImmediate(() => {
          got.push(Buffer.from(chunk))
          done()
        })
      },
    })
    await pipeline(sourceReadable(from, range, { transient }), new PassThrough(), slow)
    expect(Buffer.compare(Buffer.concat(got), content.subarray(range.start, range.end))).toBe(0)
    expect(state.closed).toBe(1)
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

test('nothing is read ahead of a consumer that does not read', async () => {
  const { from, state } = source()
  const stream = sourceReadable(from, { start: 0, end: LENGTH })
  await once(stream, 'readable')
  expect(state.asked).toBe(1)
  stream.destroy()
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
