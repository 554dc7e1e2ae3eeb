import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { starPattern } from '../../../lib/base/index.ts'
import { glob } from '../../../lib/core/index.ts'

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 })
const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 })

test('a pattern with stars fits what the regular expression of the same meaning fits', () => {
  fc.assert(
    fc.property(letters, text, (pattern, subject) => {
      expect(starPattern(pattern).fits(subject)).toBe(glob(pattern).test(subject))
    }),
    { numRuns: 2_000 },
  )
})
