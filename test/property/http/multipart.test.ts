import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type ByteRange, digestOf } from '../../../lib/core/index.ts'
import { multipart, multipartStream, type OpenRangeOptions, runsOf } from '../../../lib/http/multipart.ts'
import { readByteranges } from '../../kit/byteranges.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'

const content = cipherBytes('several ranges', 300_000)
const init = { tag: digestOf(content), size: content.length, mediaType: 'application/octet-stream' }
/** Near each other and far apart. */
const range = fc
  .tuple(fc.oneof(fc.nat(200), fc.nat(content.length - 2_000)), fc.integer({ min: 1, max: 2_000 }))
  .map(([start, length]) => ({ start, end: start + length }))
const anyRanges = fc.array(range, { minLength: 1, maxLength: 12 })

/** A source that gives its bytes in chunks of some lengths. */
const chunked = (start: number, end: number, length: number) =>
  Readable.from(
    (function* () {
      for (let at = start; at < end; at += length) yield content.subarray(at, Math.min(end, at + length))
    })(),
  )

describe('several ranges', () => {
  test('are answered by one part each, in their order, however the bytes come, and nothing is read twice for one part', async () => {
    await fc.assert(
      fc.asyncProperty(anyRanges, fc.integer({ min: 50, max: 3_000 }), async (ranges, length) => {
        const answer = multipart(ranges, init)
        const body = await buffer(
          await multipartStream(answer, { open: async ({ start, end }) => chunked(start, end, length) }, {}),
        )
        expect(body.length).toBe(answer.length)
        const parts = readByteranges(answer.mediaType, body)
        expect(parts.map(({ start, end, size, mediaType }) => ({ start, end, size, mediaType }))).toEqual(
          ranges.map((each) => ({ ...each, size: init.size, mediaType: init.mediaType })),
        )
        // Comparing buffers byte by byte would take most of the time.
        for (const { start, end, bytes } of parts) expect(bytes.equals(content.subarray(start, end))).toBe(true)
      }),
    )
  })

  test('are read in few runs: each part once, and between two parts only a short gap', () => {
    fc.assert(
      fc.property(anyRanges, (ranges) => {
        const runs = runsOf(multipart(ranges, init).parts)
        expect(runs.flatMap(({ parts }) => parts.map((part) => part.range))).toEqual(ranges)
        for (const { range: run, parts } of runs) {
          const bytes = parts.reduce((sum, part) => sum + part.range.end - part.range.start, 0)
          expect(run).toEqual({ start: parts[0]?.range.start, end: parts.at(-1)?.range.end })
          expect(run.end - run.start - bytes).toBeLessThanOrEqual((parts.length - 1) * 64 * 1024)
        }
      }),
    )
  })

  test('tell with each read which ones follow, at most 32 of them', async () => {
    const ranges = Array.from({ length: 40 }, (_, at) => ({ start: at * 100_000, end: at * 100_000 + 2 }))
    const told: (readonly ByteRange[] | undefined)[] = []
    const open = async ({ start, end }: ByteRange, { later }: OpenRangeOptions) => {
      told.push(later)
      return Readable.from([Buffer.alloc(end - start)])
    }
    await buffer(await multipartStream(multipart(ranges, { ...init, size: 4_000_000 }), { open }, {}))
    expect(told).toEqual(ranges.map((_, at) => ranges.slice(at + 1, at + 33)))
  })

  test('fail when a source ends early, and end their source when their reader leaves', async () => {
    const ranges = [
      { start: 0, end: 10 },
      { start: 200_000, end: 200_010 },
    ]
    const short = await multipartStream(
      multipart(ranges, init),
      { open: async () => Readable.from([content.subarray(0, 9)]) },
      {},
    )
    await expect(buffer(short)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    const sources: Readable[] = []
    const open = async () => {
      const source = new Readable({ read: () => undefined })
      sources.push(source)
      return source
    }
    const left = await multipartStream(multipart(ranges, init), { open }, {})
    left.destroy()
    await new Promise((resolve) => left.once('close', resolve))
    expect(sources.map(({ destroyed }) => destroyed)).toEqual([true])
  })
})
