import { describe, test } from '@jest/globals'
import fc from 'fast-check'
import { contentRange, parseContentRange, parseRange } from '../../../lib/http/index.ts'

const specs = fc.array(
  fc.oneof(
    fc.tuple(fc.nat(40), fc.nat(40)).map(([a, b]) => ({ text: `${a}-${b}`, holds: (i: number) => i >= a && i <= b })),
    fc.nat(40).map((a) => ({ text: `${a}-`, holds: (i: number) => i >= a })),
  ),
  { minLength: 1, maxLength: 6 },
)

describe('parseRange', () => {
  test('names each range that has bytes, in the order of the header, and never more bytes than there are', () => {
    fc.assert(
      fc.property(specs, fc.nat(40), (wanted, size) => {
        const asked = parseRange(`bytes=${wanted.map(({ text }) => text).join(',')}`, size)
        const bytes = Array.from({ length: size }, (_, i) => i)
        const expected = wanted.map(({ holds }) => bytes.filter(holds)).filter((each) => each.length > 0)
        if (expected.length === 0) return asked.kind === 'unsatisfiable'
        if (wanted.length > 1 && expected.flat().length > size) return asked.kind === 'excessive'
        const ranges = asked.kind === 'several' ? asked.ranges : asked.kind === 'single' ? [asked.range] : []
        const named = ranges.map(({ start, end }) => bytes.slice(start, end))
        return (asked.kind === 'single') === (wanted.length === 1) && String(named) === String(expected)
      }),
    )
  })

  test('any header gives ranges within the content, or none', () => {
    const noise = fc.string({ unit: fc.constantFrom('b', 'y', 't', 'e', 's', '=', '-', ',', '0', '1', '9', ' ') })
    const number = fc.oneof(fc.nat(120), fc.constantFrom('', '007', ' 3', '9'.repeat(20)))
    const almost = fc.array(
      fc.oneof(
        fc.tuple(number, number).map(([a, b]) => `${a}-${b}`),
        noise,
      ),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          noise,
          almost.map((parts) => `bytes=${parts.join()}`),
        ),
        fc.nat(100),
        (header, size) => {
          const asked = parseRange(header, size)
          const ranges = asked.kind === 'several' ? asked.ranges : asked.kind === 'single' ? [asked.range] : []
          return ranges.every(({ start, end }) => start >= 0 && start < end && end <= size)
        },
      ),
      { seed: 20240612, numRuns: 1000 },
    )
  })

  test('a Content-Range that was written is read back', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 1e9 }), fc.nat(1e9), (start, length, more) => {
        const range = { start, end: start + length }
        const size = range.end + more
        const read = parseContentRange(contentRange(range, size))
        return read?.size === size && read.range?.start === start && read.range.end === range.end
      }),
    )
  })
})
