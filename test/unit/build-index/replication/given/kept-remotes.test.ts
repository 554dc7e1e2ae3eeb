import { describe, expect, test } from '@jest/globals'
import { givenRemoteSetSchema, parseBody } from '../../../../../lib/api/index.ts'
import {
  afterChange,
  heldOf,
  type KeptRemotes,
  nothingKept,
  parseKept,
} from '../../../../../services/build-index/replication/given/kept-remotes.ts'
import { planRemotes, secretFor } from '../../../../../services/build-index/replication/given/remote-plan.ts'
import { ruleHash } from '../../../../../services/build-index/replication/rules.ts'

const remote = (name: string, patterns: readonly string[], more: object = {}) => ({
  ...{ name, urls: ['http://far:1'], rules: patterns.map((repository) => ({ repository })) },
  ...more,
})
const setOf = (generation: number, ...remotes: readonly object[]) =>
  parseBody(givenRemoteSetSchema, { manager: 'm', generation, remotes })
const given = (before: KeptRemotes, ...remotes: readonly object[]) =>
  afterChange(before, { by: 'manager', set: setOf(1, ...remotes) }, 100)

describe('a set of given remotes', () => {
  test.each([
    ['a name twice', [remote('east', ['a']), remote('east', ['b'])]],
    ['a rule twice', [remote('east', ['a', 'a'])]],
    ['no rule', [remote('east', [])]],
    ['no address', [remote('east', ['a'], { urls: [] })]],
    ['a password in an address', [remote('east', ['a'], { urls: ['http://me:secret@far'] })]],
    ['a key that is not known, as a secret would be', [remote('east', ['a'], { secret: 'x'.repeat(40) })]],
    ['a time that is none', [remote('east', ['a'], { windows: [{ from: '24:00', to: '01:00' }] })]],
    ['more than 32', Array.from({ length: 33 }, (_, i) => remote(`r${i}`, ['a']))],
    [
      'more than 256 rules together',
      ['a', 'b'].map((name) =>
        remote(
          name,
          Array.from({ length: 129 }, (_, i) => `${i}`),
        ),
      ),
    ],
  ])('is refused with %s', (_, remotes) => {
    expect(() => setOf(1, ...remotes)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })

  test('has the defaults of the config', () => {
    expect(setOf(1, remote('east', ['a'], { urls: ['http://far:1/'] })).remotes).toEqual([
      {
        ...{ name: 'east', urls: ['http://far:1'], rules: [{ repository: 'a', tag: '*' }], windows: [] },
        ...{ concurrency: 4, signatures: true, deletes: false },
      },
    ])
  })

  test('at its largest is a record of the index, with all that is kept beside it', () => {
    let kept = nothingKept
    for (let i = 0; i < 4; i += 1)
      kept = given(kept, ...Array.from({ length: 32 }, (_, at) => remote(`${'n'.repeat(58)}-${i}-${at}`, ['a'])))
    const rules = Array.from({ length: 8 }, (_, i) => `${i}/${'r'.repeat(120)}`)
    const largest = Array.from({ length: 32 }, (_, at) => remote(`${'m'.repeat(58)}-${at}`, rules))
    kept = afterChange(kept, { by: 'manager', set: setOf(1, ...largest) }, 1_800_000_000_000)
    expect(JSON.stringify({ manager: 'm', generation: 1, remotes: largest }).length).toBeGreaterThan(36 * 1024)
    expect(JSON.stringify(kept).length).toBeLessThan(64 * 1024)
  })
})

describe('since when a rule is there', () => {
  const sinceOf = (kept: KeptRemotes) => kept.given?.since
  const first = given(nothingKept, remote('east', ['a', 'b']), remote('west', ['a']))

  test('goes on over changes of other rules, of the order and of what does not matter for it', () => {
    const second = given(first, remote('west', ['a', 'c']), remote('east', ['b'], { concurrency: 9 }))
    expect(sinceOf(first)).toEqual([[100, 100], [100]])
    expect(sinceOf(second)).toEqual([[100, 101], [100]])
  })

  test('begins anew at another place, and after it was away, however short', () => {
    expect(sinceOf(given(first, remote('east', ['a'], { urls: ['http://other'] })))).toEqual([[101]])
    const again = given(given(first, remote('east', ['b'])), remote('east', ['a', 'b']))
    expect(sinceOf(again)).toEqual([[102, 100]])
    const [known, anew] = [first, again].map((kept) => {
      const plan = planRemotes({ config: {}, managed: undefined, taken: () => false }, kept).get('east')
      return ruleHash({ name: 'east', urls: ['http://far:1'], signatures: true }, plan?.rules[0] as never)
    })
    expect(anew).not.toBe(known)
  })

  test('is of a later revision also when the record of before is lost', () => {
    expect(afterChange(nothingKept, undefined, 5000.5).revision).toBe(5000)
    expect(afterChange({ ...nothingKept, revision: 9000 }, undefined, 5000).revision).toBe(9001)
  })
})

test('names that are not given any more are remembered, the last 64 of them, until they are given again', () => {
  let kept = given(nothingKept, remote('east', ['a']))
  kept = given(kept, remote('west', ['a']))
  expect(kept.gone).toEqual({ east: 101 })
  expect(given(kept, remote('east', ['a'])).gone).toEqual({ west: 102 })
  for (let i = 0; i < 70; i += 1) kept = given(kept, remote(`r${i}`, ['a']))
  expect(Object.keys(kept.gone)).toHaveLength(64)
  expect(kept.gone).not.toHaveProperty('east')
  expect(kept.gone).toHaveProperty('r68')
})

test('what is kept is read as it was written, and says who holds it', () => {
  const kept = given(given(nothingKept, remote('east', ['a'])), remote('west', ['b']))
  expect(parseKept(JSON.parse(JSON.stringify(kept)))).toEqual(kept)
  expect(parseKept(JSON.parse(JSON.stringify(nothingKept)))).toEqual(nothingKept)
  expect(heldOf(kept)).toMatchObject({ by: 'manager', manager: 'm', generation: 1, count: 1 })
  expect(heldOf(nothingKept)).toEqual({ by: 'nobody', manager: '', generation: 0, hash: '', count: 0 })
  expect(() => parseKept({ ...kept, revision: undefined })).toThrow()
  expect(() => parseKept({ ...kept, given: { ...kept.given, since: [] } })).toThrow()
})

test('a secret of the config is shown to a remote only when it is for all of its hosts', () => {
  const secrets = [
    { hosts: ['*.east.example'], secret: () => 'of-the-east' },
    { hosts: ['127.0.0.1', 'b.*'], secret: () => 'of-others' },
  ]
  const secretOf = (...urls: string[]) => secretFor({ secrets }, urls)
  expect(secretOf('http://a.east.example:7', 'https://b.east.example')).toBe('of-the-east')
  expect(secretOf('http://a.east.example', 'http://evil.example')).toBeUndefined()
  expect(secretOf('http://a.east.example.evil')).toBeUndefined()
  expect(secretOf('http://127.0.0.1:7', 'http://b.x')).toBe('of-others')
  expect(secretFor(undefined, ['http://a.east.example'])).toBeUndefined()
})
