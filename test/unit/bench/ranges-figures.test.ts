import { expect, test } from '@jest/globals'
import type { ReadTime } from '../../bench/lazy-reader.ts'
import { type RangesRound, rangesRows, UNIT_BYTES } from '../../bench/ranges-figures.ts'

const waited = (...all: readonly number[]): readonly ReadTime[] => all.map((ms) => ({ kind: 'waited', ms }))
const counts = (reads: number, sentBytes: number, most: number) => ({
  reads,
  sentBytes,
  most,
  least: 1,
  peak: 0,
  open: 0,
})

test('only what somebody waits for counts as a time, and of the store the worst round counts', () => {
  const bytes = 4 * UNIT_BYTES
  const rounds: readonly RangesRound[] = [
    {
      ...{ reading: 'mount', bytes, store: { times: waited(5, 6), counts: counts(9, 2 * bytes, 3) } },
      shoal: { times: [...waited(10, 20), { kind: 'early', ms: 9_000 }], counts: counts(4, bytes, 1) },
    },
    {
      ...{ reading: 'mount', bytes, store: { times: waited(7), counts: counts(8, bytes, 2) } },
      shoal: { times: waited(30, 400), counts: counts(5, 1.5 * bytes, 2) },
    },
  ]
  expect(rangesRows(rounds).map(([, ...cells]) => cells)).toEqual([
    ['p50 of a read, ms', '6', '20', ''],
    ['p99 of a read, ms', '7', '400', '< 250'],
    ['longest of a read, ms', '7', '400', ''],
    ['bytes that left the store / size', '2.00', '1.50', ''],
    ['times that a byte left the store, most', '3', '2', '<= 1'],
    ['reads of the store', '9', '5', ''],
    ['reads of the store / (size / unit)', '2.25', '1.25', '<= 1.1'],
  ])
})
