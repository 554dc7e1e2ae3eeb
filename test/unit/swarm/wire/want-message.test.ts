import { describe, expect, test } from '@jest/globals'
import { codeOf } from '../../../../lib/base/index.ts'
import { type BencodeInput, encodeBencode } from '../../../../lib/metainfo/index.ts'
import { swarmLimits } from '../../../../lib/swarm/index.ts'
import { encodeWant, readWant, type Want } from '../../../../lib/swarm/wire/want-message.ts'

/** Length, the id of an extended message, and our own id come before the payload. */
const HEAD_BYTES = 6
const LENGTH = 1_000_000
const TOO_MANY = swarmLimits.maxWantRanges + 1

const ranges = (...numbers: readonly number[]) =>
  Array.from({ length: numbers.length / 2 }, (_, at) => ({
    start: numbers[2 * at] ?? 0,
    end: numbers[2 * at + 1] ?? 0,
  }))
const afterEachOther = (count: number) => Array.from({ length: 2 * count }, (_, at) => 10 * at)

describe('what an agent wants', () => {
  test.each<[string, Want]>([
    ['nothing any more', { priority: 'fill', ranges: [] }],
    ['one range', { priority: 'onDemand', ranges: ranges(0, LENGTH) }],
    [
      'as many ranges as it may',
      { priority: 'prefetch', ranges: ranges(...afterEachOther(swarmLimits.maxWantRanges)) },
    ],
  ])('means the same at the other end: %s', (_, want) => {
    expect(readWant(encodeWant(want).subarray(HEAD_BYTES), LENGTH)).toEqual(want)
  })

  test('fits into its message in the longest form that it may have', () => {
    const end = Number.MAX_SAFE_INTEGER
    const last = Array.from({ length: swarmLimits.maxWantRanges }, (_, at) => ({
      start: end - 200 + 4 * at,
      end: end - 198 + 4 * at,
    }))
    const want: Want = { priority: 'onDemand', ranges: last }
    expect(readWant(encodeWant(want).subarray(HEAD_BYTES), end)).toEqual(want)
  })

  test.each<[string, BencodeInput]>([
    ['a list for a dictionary', [1, 2]],
    ['no ranges', { priority: 'fill' }],
    ['no priority', { ranges: [0, 1] }],
    ['an unknown priority', { priority: 'now', ranges: [0, 1] }],
    ['a priority that is a number', { priority: 1, ranges: [0, 1] }],
    ['half a range', { priority: 'fill', ranges: [0, 1, 2] }],
    ['ranges that are text', { priority: 'fill', ranges: ['0', '1'] }],
    ['ranges within ranges', { priority: 'fill', ranges: [[0, 1]] }],
    ['a range that begins below 0', { priority: 'fill', ranges: [-1, 1] }],
    ['an empty range', { priority: 'fill', ranges: [5, 5] }],
    ['a range that ends before it begins', { priority: 'fill', ranges: [5, 4] }],
    ['a range behind the end of the blob', { priority: 'fill', ranges: [0, LENGTH + 1] }],
    ['ranges that overlap', { priority: 'fill', ranges: [0, 5, 4, 9] }],
    ['ranges that touch', { priority: 'fill', ranges: [0, 5, 5, 9] }],
    ['ranges in another order', { priority: 'fill', ranges: [7, 9, 0, 5] }],
    ['too many ranges', { priority: 'fill', ranges: afterEachOther(TOO_MANY) }],
    ['a long text', { priority: 'fill', ranges: [], more: 'x'.repeat(4_000) }],
  ])('is refused with %s', (_, value) => {
    expect(refused(encodeBencode(value), LENGTH)).toBe('WIRE_FRAME_INVALID')
  })

  test('is refused when it is more than one message may want, at however small a blob', () => {
    const most = swarmLimits.maxWantBytes
    expect(refused(encodeBencode({ priority: 'fill', ranges: [0, most + 1] }), 2 * most)).toBe('WIRE_FRAME_INVALID')
    expect(refused(encodeBencode({ priority: 'fill', ranges: [0, most] }), 2 * most)).toBeUndefined()
  })

  test('is refused when it is no bencode', () => {
    expect(refused(Buffer.from('d8:priority'), LENGTH)).toBe('WIRE_FRAME_INVALID')
    expect(refused(new Uint8Array(0), LENGTH)).toBe('WIRE_FRAME_INVALID')
  })
})

function refused(payload: Uint8Array, length: number): string | undefined {
  try {
    readWant(payload, length)
    return undefined
  } catch (err) {
    return codeOf(err)
  }
}
