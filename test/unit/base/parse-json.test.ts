import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseJson } from '../../../lib/base/index.ts'

const invalid = expect.objectContaining({ code: 'BODY_INVALID' })
const pad = ' '.repeat(20_000)

test('parses what JSON.parse parses', () =>
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom('', pad), (value, space) => {
      const text = space + JSON.stringify(value)
      expect(parseJson(text)).toEqual(JSON.parse(text))
    }),
    { seed: 1 },
  ))

test('counts no sign inside a text, however it is escaped', () => {
  for (const inner of [',[{'.repeat(60_000), '\\",['.repeat(60_000), '\\\\'.repeat(60_001)]) {
    const text = `["${inner}"]`
    expect(parseJson(text)).toEqual(JSON.parse(text))
  }
})

test.each([
  ['nested lists', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['nested objects', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
  ['many numbers', `[${'1,'.repeat(150_000)}1]`],
  ['many members', `{${'"a":1,'.repeat(150_000)}"b":1}`],
  ['many empty lists', `[${'[],'.repeat(60_000)}[]]`],
])('refuses %s before it is parsed', (_, text) => {
  expect(() => parseJson(text)).toThrow(invalid)
})

test.each(['', '{', '["a', `${pad}["a\\`, `${pad}]]]`])('a text that is no JSON stays a SyntaxError: %j', (text) => {
  expect(() => parseJson(text)).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
})
