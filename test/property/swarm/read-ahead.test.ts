import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { aheadBytes, ReadAhead } from '../../../lib/swarm/picker/index.ts'

const limits = { minAheadBytes: 2_000_000, maxAheadBytes: 8_000_000, aheadMs: 5_000 }
const someRange = fc.record({ start: fc.nat(1e9), length: fc.integer({ min: 1, max: 3e6 }) })
const total = (ahead: ReadAhead, nowMs: number) =>
  ahead.spans(nowMs).reduce((sum, { range }) => sum + range.end - range.start, 0)

describe('read-ahead', () => {
  test('of ranges that follow each other grows to its bound, and begins where they end', () => {
    fc.assert(
      fc.property(
        fc.nat(1e9),
        fc.array(fc.integer({ min: 1, max: 3e6 }), { minLength: 2, maxLength: 12 }),
        (from, lengths) => {
          const ahead = new ReadAhead(limits)
          let end = from
          let before = 0
          for (const [at, length] of lengths.entries()) {
            ahead.opened({ start: end, end: end + length }, 'onDemand', 0)
            end += length
            if (at === 0) expect(ahead.spans(0)).toEqual([])
            else expect(ahead.spans(0)).toMatchObject([{ range: { start: end }, priority: 'prefetch' }])
            expect(total(ahead, 0)).toBeGreaterThanOrEqual(before)
            before = total(ahead, 0)
            expect(before).toBeLessThanOrEqual(limits.maxAheadBytes)
          }
        },
      ),
    )
  })

  test('of scattered ranges is nothing', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1_000), { minLength: 1, maxLength: 40 }), (places) => {
        const ahead = new ReadAhead(limits)
        // Ranges of 1 MB with 3 MB between any two of them.
        for (const place of places) ahead.opened({ start: place * 4e6, end: place * 4e6 + 1e6 }, 'onDemand', 0)
        expect(ahead.spans(0)).toEqual([])
      }),
    )
  })

  test('is bounded whatever is opened, and over when nothing was opened for a while', () => {
    fc.assert(
      fc.property(fc.array(someRange, { maxLength: 200 }), (ranges) => {
        const ahead = new ReadAhead(limits)
        for (const { start, length } of ranges) ahead.opened({ start, end: start + length }, 'prefetch', 0)
        expect(ahead.spans(0).length).toBeLessThanOrEqual(16)
        expect(total(ahead, 0)).toBeLessThanOrEqual(16 * limits.maxAheadBytes)
        expect(ahead.spans(limits.aheadMs)).toEqual([])
      }),
    )
  })

  test('of one long range is as much as the client has taken, within the bounds', () => {
    fc.assert(
      fc.property(fc.nat(1e9), (taken) => {
        expect(aheadBytes(taken, limits)).toBe(Math.min(8e6, Math.max(2e6, taken)))
      }),
    )
  })

  test('takes requests that overlap, as parallel clients send them, for no sequence', () => {
    const ahead = new ReadAhead(limits)
    for (const start of [30_405_658, 30_430_430, 30_492_356]) ahead.opened({ start, end: 30_517_127 }, 'onDemand', 0)
    expect(ahead.spans(0)).toEqual([])
  })
})
