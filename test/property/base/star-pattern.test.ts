import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { starPattern } from '../../../lib/base/index.ts'

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 })
const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 })

const regexOf = (pattern: string) => {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`))
  return new RegExp(`^${literal.join('.*')}$`)
}

test('a pattern with stars fits what the regular expression of the same meaning fits', () => {
  fc.assert(
    fc.property(letters, text, (pattern, subject) => {
      expect(starPattern(pattern).fits(subject)).toBe(regexOf(pattern).test(subject))
    }),
    { numRuns: 2_000 },
  )
})
