import { describe, expect, test } from '@jest/globals'
import { parseConfig } from '../../../../lib/config/index.ts'
import { parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { buildIndexSchema } from '../../../../services/build-index/config.ts'
import { immutableTags } from '../../../../services/build-index/immutable-tags.ts'
import { judgeTags, type TagFacts } from '../../../../services/build-index/retention/judge-tags.ts'

const DAY = 86_400_000
const nowMs = 100 * DAY
const app = parseRepository('team/app')
/** `name: days since it was moved`, or since it was moved and pulled. */
const tags = (facts: Readonly<Record<string, number | readonly [number, number]>>): TagFacts[] =>
  Object.entries(facts).map(([name, days]) => {
    const [moved, pulled] = typeof days === 'number' ? [days] : days
    const pulledAtMs = pulled === undefined ? undefined : nowMs - pulled * DAY
    return { tag: parseTag(name), changedAtMs: nowMs - moved * DAY, pulledAtMs }
  })

function verdicts(
  retention: object,
  facts: TagFacts[],
  { repository = app, immutable = [] as { repository: string; tag: string }[], sinceDays = 90 } = {},
) {
  const judge = judgeTags({
    ...parseConfig(buildIndexSchema, { retention }).retention,
    isImmutable: immutableTags(immutable),
  })
  const found = judge(repository, facts, { nowMs, recordedSinceMs: nowMs - sinceDays * DAY })
  return Object.fromEntries(found.map(({ tag, kept, reason }) => [tag, kept ? reason : 'goes']))
}

const rule = (keep: object) => ({ rules: [{ repository: 'team/*', ...keep }] })

describe('a tag', () => {
  test('that no rule fits is kept, and the first rule that fits counts', () => {
    const rules = [
      { repository: 'team/*', tag: 'v*', newest: 1 },
      { repository: 'team/*', tag: 'v1', newest: 9 },
    ]
    expect(verdicts({ rules }, tags({ v1: 5, v2: 4, latest: 9 }))).toEqual({
      v1: 'goes',
      v2: 'newest',
      latest: 'noRule',
    })
    const other = { repository: parseRepository('other') }
    expect(verdicts({ rules }, tags({ v1: 5 }), other)).toEqual({ v1: 'noRule' })
  })

  test('is kept when it is among the newest of its repository, counted by when they were moved', () => {
    expect(verdicts(rule({ newest: 2 }), tags({ a: 3, b: 1, c: 2, d: 9 }))).toEqual({
      ...{ a: 'goes', b: 'newest', c: 'newest', d: 'goes' },
    })
    expect(verdicts(rule({ newest: 1 }), tags({ a: 1, b: 1 }))).toEqual({ a: 'goes', b: 'newest' })
  })

  test('is kept while it is young, and while it is pulled', () => {
    const keep = rule({ youngerThan: '5d', pulledWithin: '10d' })
    expect(verdicts(keep, tags({ a: 4, b: [6, 9], c: [6, 11], d: 6 }))).toEqual({
      ...{ a: 'young', b: 'pulled', c: 'goes', d: 'goes' },
    })
  })

  test('counts as pulled until pulls were written for as long as the rule looks back', () => {
    const keep = rule({ pulledWithin: '10d' })
    expect(verdicts(keep, tags({ a: 50 }), { sinceDays: 9 })).toEqual({ a: 'pulled' })
    expect(verdicts(keep, tags({ a: 50 }), { sinceDays: 11 })).toEqual({ a: 'goes' })
    const judge = judgeTags({
      ...parseConfig(buildIndexSchema, { retention: keep }).retention,
      isImmutable: () => false,
    })
    expect(judge(app, tags({ a: 50 }), { nowMs, recordedSinceMs: undefined })[0]?.reason).toBe('pulled')
  })

  test('that is protected, immutable, a signature, or of an unknown age is kept', () => {
    const signature = `sha256-${'a'.repeat(64)}.sig`
    const protect = [{ repository: '*', tag: 'prod-*' }]
    const immutable = [{ repository: 'team/*', tag: 'v*' }]
    const facts = tags({ 'prod-1': 9, v1: 9, [signature]: 9, old: 100, x: 9 })
    const kept = { 'prod-1': 'protected', v1: 'immutable', [signature]: 'signature', old: 'undated', x: 'goes' }
    expect(verdicts({ ...rule({ youngerThan: '1d' }), protect }, facts, { immutable })).toEqual(kept)
    const all = { ...rule({ youngerThan: '1d', immutable: true }), protect }
    expect(verdicts(all, facts, { immutable })).toEqual({ ...kept, v1: 'goes' })
  })
})

test('a rule that keeps nothing is refused, as is removal where conditions are not kept', () => {
  const parse = (value: object) => parseConfig(buildIndexSchema, value)
  expect(() => parse({ retention: { rules: [{ repository: '*' }] } })).toThrow(/keeps nothing/)
  expect(() => parse({ retention: { rules: [{ repository: '*', pulledWithin: '1h' }] } })).toThrow(/2h/)
  const unsafe = { driver: 's3', bucket: 'index', conditionalDeletes: false }
  expect(() => parse({ backend: unsafe, retention: { remove: true } })).toThrow(/conditional/)
  expect(parse({}).retention.remove).toBe(false)
})
