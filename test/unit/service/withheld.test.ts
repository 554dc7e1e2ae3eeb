import { expect, test } from '@jest/globals'
import { type Digest, parseRepository } from '../../../lib/core/index.ts'
import { withheld } from '../../../lib/service/index.ts'

const digest = `sha256:${'a'.repeat(64)}` as Digest
const rules = [{ name: 'licensed', repositories: ['vendor/*'] }]
const known =
  (...texts: readonly string[]) =>
  async () =>
    texts.map(parseRepository)

test('a repository that a rule names is not given, and who asks hears the name of the rule', () => {
  const { gives, check } = withheld({ rules, repositoriesOf: known() })
  const of = (text: string) => ({ digest, repository: parseRepository(text) })
  expect(['vendor/tool', 'team/app'].map((text) => gives(of(text)))).toEqual([false, true])
  expect(() => check(of('vendor/tool'))).toThrow(
    expect.objectContaining({ code: 'PULL_BLOCKED', status: 403, detail: { rule: 'licensed' } }),
  )
})

test.each([
  [[], true],
  [['team/app'], true],
  [['team/app', 'vendor/tool'], false],
] as const)('a blob that is known to be in %j is given: %p', async (texts, expected) => {
  expect(await withheld({ rules, repositoriesOf: known(...texts) }).givesBlob(digest)).toBe(expected)
})

test('a digest that a rule names is not given, whatever is known of its repositories', async () => {
  const other = `sha256:${'b'.repeat(64)}` as Digest
  const gate = withheld({ rules: [{ name: 'bad', digests: [digest] }], repositoriesOf: known('team/app') })
  expect([gate.gives({ digest }), gate.gives({ digest: other })]).toEqual([false, true])
  expect([await gate.givesBlob(digest), await gate.givesBlob(other)]).toEqual([false, true])
  expect(() => gate.check({ digest, repository: parseRepository('team/app') })).toThrow('the rule bad withholds')
})

test('other rules count from the moment on when they are set', async () => {
  const gate = withheld({ rules: [], repositoriesOf: known('vendor/tool') })
  const before = await gate.givesBlob(digest)
  gate.set(rules)
  expect([before, await gate.givesBlob(digest), gate.now]).toEqual([true, false, rules])
})
