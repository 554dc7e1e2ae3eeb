import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { list, table } from '../../../lib/api/bounded.ts'
import { projectSources, readProjectFile } from '../../kit/doc-table.ts'

/** A schema of numbers that counts how often it is asked. */
function counted() {
  const seen = { times: 0 }
  const schema = z.unknown().transform((value, context) => {
    seen.times += 1
    if (typeof value === 'number') return value
    context.addIssue({ code: 'custom', message: 'no number' })
    return z.NEVER
  })
  return { schema, seen }
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const keys = (count: number) => Object.fromEntries(numbers(count).map((i) => [`k${i}`, i]))

describe.each([
  ['a list', (item: z.ZodType) => list(item, 10), numbers],
  ['a table', (item: z.ZodType) => table(item, { max: 10, maxKey: 5 }), keys],
] as const)('%s', (_, make, given) => {
  test('takes as many as it may have', () => {
    expect(make(counted().schema).parse(given(10))).toEqual(given(10))
  })

  test('with one more is refused before any of them is looked at', () => {
    const { schema, seen } = counted()
    expect(make(schema).safeParse(given(11)).success).toBe(false)
    expect(seen.times).toBe(0)
  })

  test.each([null, 'x', 1, undefined])('is not %j', (value) => {
    expect(make(counted().schema).safeParse(value).success).toBe(false)
  })
})

test('a list stops at the first fault and says where it is', () => {
  const { schema, seen } = counted()
  const result = z.object({ a: list(z.object({ n: schema }), 10) }).safeParse({ a: [{ n: 1 }, { n: 'x' }, { n: 'y' }] })
  expect(result.error?.issues).toEqual([expect.objectContaining({ path: ['a', 1, 'n'], message: 'no number' })])
  expect(seen.times).toBe(2)
})

test('a table stops at the first fault and says where it is', () => {
  const { schema, seen } = counted()
  const result = table(schema, { max: 10, maxKey: 5 }).safeParse({ a: 1, b: 'x', c: 'y' })
  expect(result.error?.issues).toEqual([expect.objectContaining({ path: ['b'] })])
  expect(seen.times).toBe(2)
})

test('a table refuses a long key, and keeps any name as a key', () => {
  const made = table(z.number(), { max: 10, maxKey: 12 })
  expect(made.safeParse({ 'a long, long key': 1 }).success).toBe(false)
  expect(Object.entries(made.parse(JSON.parse('{"__proto__": 1}')))).toEqual([['__proto__', 1]])
})

/** What in zod takes a value of any size or depth. */
const unbounded =
  /\bz\s*\.\s*(string|array|record|map|set|any|unknown|lazy|json|custom|preprocess|looseObject|base64\w*|url|jwt)\(/g
const open = /\.(passthrough|loose|catchall)\(/g

describe('schemas of what others send', () => {
  const files = projectSources('lib', 'services').filter(
    (file) =>
      /from 'zod'/.test(readProjectFile(file)) && !/config\.ts$|\/config\/|lib\/backend\/drivers\.ts$/.test(file),
  )

  test('stand in lib/api, and those of Kraken in lib/kraken', () => {
    expect(files.length).toBeGreaterThan(7)
    expect(files.filter((file) => !/^lib\/(api|kraken)\//.test(file))).toEqual([])
  })

  test.each(files.filter((file) => file !== 'lib/api/bounded.ts'))('%s has only parts with a bound', (file) => {
    const source = readProjectFile(file)
    const found = [...source.matchAll(unbounded), ...source.matchAll(open)].map(([call]) => call)
    expect(found).toEqual([])
  })
})
