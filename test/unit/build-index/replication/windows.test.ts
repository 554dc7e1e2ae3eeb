import { describe, expect, test } from '@jest/globals'
import { openForMs, opensInMs } from '../../../../services/build-index/replication/windows.ts'

const HOUR = 60 * 60_000
const at = (hours: number) => Date.UTC(2026, 4, 5) + hours * HOUR
const night = [{ from: 22 * 60, to: 6 * 60 }]

describe('windows', () => {
  test('without any it is always open', () => {
    expect(openForMs([], at(3))).toBe(Number.POSITIVE_INFINITY)
    expect(opensInMs([], at(3))).toBe(0)
  })

  test.each([
    [21, 0, 1],
    [22, 8, 0],
    [23.5, 6.5, 0],
    [2, 4, 0],
    [6, 0, 16],
    [12, 0, 10],
  ])(
    'a window over midnight is open on both sides of it: at %d o’clock for %d h, opens in %d h',
    (now, open, opens) => {
      expect(openForMs(night, at(now))).toBe(open * HOUR)
      expect(opensInMs(night, at(now))).toBe(opens * HOUR)
    },
  )

  test('of several the one counts that is open longest, or opens first; from and to alike mean the whole day', () => {
    const both = [...night, { from: 60, to: 180 }]
    expect(openForMs(both, at(2))).toBe(4 * HOUR)
    expect(opensInMs([{ from: 600, to: 660 }, ...night], at(9))).toBe(HOUR)
    expect(openForMs([{ from: 300, to: 300 }], at(4))).toBe(HOUR)
  })
})
