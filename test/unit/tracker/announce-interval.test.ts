import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { announceIntervalMs } from '../../../services/tracker/announce-interval.ts'

const policy = { perSecond: 100, minMs: 5_000, maxMs: 120_000 }
const fixed = (value: number) => ({ ...seededRandom(1), next: () => value })

describe('the announce interval', () => {
  test.each([
    ['an empty tracker uses the shortest', 0, 5_000, 6_000],
    ['few peers use the shortest', 500, 5_000, 6_000],
    ['more peers announce more seldom', 3_000, 30_000, 36_000],
    ['many peers stop at the longest', 1_000_000, 100_000, 120_000],
  ])('%s', (_name, peers, from, to) => {
    expect(announceIntervalMs(peers, policy, fixed(0))).toBe(from)
    expect(announceIntervalMs(peers, policy, fixed(1))).toBe(to)
  })

  test('bounds that leave no room are kept', () => {
    const tight = { ...policy, minMs: 5_000, maxMs: 5_000 }
    for (const value of [0, 0.5, 1]) expect(announceIntervalMs(10, tight, fixed(value))).toBe(5_000)
  })

  test('keeps the announces within the budget', () => {
    const random = seededRandom(3)
    const intervals = Array.from({ length: 1000 }, () => announceIntervalMs(3_000, policy, random))
    const perSecond = intervals.reduce((sum, ms) => sum + 3_000 / (ms / 1000), 0) / intervals.length
    expect(perSecond).toBeLessThanOrEqual(policy.perSecond)
    expect(new Set(intervals).size).toBeGreaterThan(500)
  })
})
