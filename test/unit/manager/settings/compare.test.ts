import { describe, expect, test } from '@jest/globals'
import { binomialTail, compare, since } from '../../../../services/manager/settings/compare.ts'

const limits = { minPulls: 20, errorsPerHundred: 2, stallsPerHundred: 2, chance: 0.001 }
const counts = (pulls: number, errors = 0, stalls = 0) => ({ pulls, errors, stalls })

describe('hosts with new settings, compared with others', () => {
  test.each([
    ['as good', counts(100, 1), counts(1000, 10), 'good'],
    ['too few pulls to say', counts(19, 0), counts(1000), 'tooFew'],
    ['one fault in few pulls is chance', counts(20, 1), counts(1000, 1), 'good'],
    ['many faults in few pulls are not', counts(20, 8), counts(1000, 1), 'worse'],
    ['a sure rise below the limit', counts(1_000_000, 15_000), counts(1_000_000, 5_000), 'good'],
    ['a sure rise above the limit', counts(1_000_000, 35_000), counts(1_000_000, 5_000), 'worse'],
    ['stalls count by themselves', counts(100, 0, 30), counts(100), 'worse'],
    ['pulls that only stall never end, and count', counts(0, 0, 25), counts(200), 'worse'],
    ['both are bad', counts(100, 50), counts(100, 50), 'good'],
    ['better than the others', counts(100, 0), counts(100, 50), 'good'],
    ['nobody to compare with: half of twenty is too much', counts(20, 12), counts(0), 'worse'],
    ['nobody to compare with: one of twenty is not', counts(20, 1), counts(0), 'good'],
  ] as const)('%s', (_, those, others, expected) => {
    expect(compare(those, others, limits)).toBe(expected)
  })

  test('a limit of no pulls says good at once', () => {
    expect(compare(counts(0), counts(0), { ...limits, minPulls: 0 })).toBe('good')
  })
})

describe('counts since a moment', () => {
  test('are the difference', () => expect(since(counts(5, 1), counts(8, 3))).toEqual(counts(3, 2)))
  test('of a host that began anew are all it has', () => {
    expect(since(counts(5, 1), counts(3, 1))).toEqual(counts(3, 1))
  })
})

describe('the chance of at least so many hits', () => {
  test.each([
    [3, 3, 0.5, 0.125],
    [2, 3, 0.5, 0.5],
    [4, 4, 0.05, 0.05 ** 4],
    [60, 100, 0.5, 0.028_443_966_820_490_4],
    [1, 10, 0.5, 1],
  ])('%i of %i at %d is %d', (count, tries, p, expected) => {
    expect(binomialTail(count, tries, p)).toBeCloseTo(expected, 9)
  })

  test('is found for a million tries', () => {
    expect(binomialTail(501_000, 1_000_000, 0.5)).toBeCloseTo(0.022_8, 3)
  })
})
