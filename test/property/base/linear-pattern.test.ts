import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { linearPattern } from '../../../lib/base/index.ts'

const atom = fc.constantFrom('a', 'b', '.', '/', '[ab]', '[^a]', '[a-c]', '\\d', '\\w', '\\W', '\\.', '1')
const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
  pattern: fc.array(tie('part'), { maxLength: 4 }).map((parts) => parts.join('')),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc.tuple(atom, fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}')).map((pair) => pair.join('')),
    fc.constantFrom('^', '$'),
    fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(?:${one}|${other})`),
    fc.tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}')).map(([one, count]) => `(${one})${count}`),
  ),
}))
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '/', '.', '\n'), maxLength: 12 })

test('it fits exactly what a regular expression fits', () => {
  fc.assert(
    fc.property(
      pattern.filter((each) => each.length <= 60),
      text,
      (source, subject) => {
        expect([source, subject, linearPattern(source).fits(subject)]).toEqual([
          source,
          subject,
          new RegExp(source).test(subject),
        ])
      },
    ),
    { numRuns: 2000 },
  )
})

describe('what makes a regular expression go back for ever', () => {
  test.each(['(a+)+$', '^(a|a)*$', '(.*)*x', 'a*a*a*a*a*a*x', '(a{1,5}){1,5}b'])('costs %s no more steps', (source) => {
    expect(linearPattern(source).fits(`${'a'.repeat(2_000)}!`)).toBe(false)
  })
})

test.each([
  'a(',
  'a)',
  '*a',
  'a**',
  '[',
  '[]',
  'a{2',
  'a{3,2}',
  'a{65}',
  '\\',
  '\\b',
  '(?=a)',
  '(?<n>a)',
  '[b-a]',
  '^*',
  '((a{64}){64}){64}',
  '((((){64}){64}){64}){64}',
  'a'.repeat(201),
  '('.repeat(21) + ')'.repeat(21),
])('%s is refused', (source) => {
  expect(() => linearPattern(source)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
