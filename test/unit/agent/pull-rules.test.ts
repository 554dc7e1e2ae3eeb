import { describe, expect, test } from '@jest/globals'
import { type Digest, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { emptyStorage, type Reader, type RegistryStorage } from '../../../lib/registry/index.ts'
import { pullRulesSchema } from '../../../lib/service/index.ts'
import { recordingMetrics } from '../../../lib/telemetry/index.ts'
import { type Puller, pullRules, ruledStorage } from '../../../services/agent/pull-rules/index.ts'

const headers = { priorityHeader: 'X-Dragonfly-Priority', applicationHeader: 'X-Dragonfly-Application' }
const rulesOf = (config: unknown, metrics = recordingMetrics()) =>
  pullRules({ metrics }, { ...headers, rules: pullRulesSchema.parse(config) })

interface Said {
  readonly level?: string
  readonly app?: string
  readonly caller?: string
}

const puller = ({ level, app, caller = 'anonymous' }: Said = {}): Puller => ({
  req: {
    headers: {
      ...(level !== undefined && { 'x-dragonfly-priority': level }),
      ...(app !== undefined && { 'x-dragonfly-application': app }),
    },
  },
  principal: { name: caller, rights: [] },
})

const app = parseRepository('team/app')

describe('the class of a pull', () => {
  const byRules = {
    rules: [
      { repositories: ['team/*'], applications: ['batch-*'], priority: 'low' },
      { applications: ['urgent'], priority: 'high' },
      { applications: ['proven'], callers: ['read'], priority: 20 },
      { repositories: ['prod/*'], priority: 'high' },
      { repositories: ['slow/*'], priority: 2 },
    ],
  }

  test.each<[string, Said, string, string]>([
    ['is normal where nothing is said', {}, 'team/app', 'normal'],
    ['is low where the client says that nobody waits', { level: '3' }, 'team/app', 'low'],
    ['is not raised by what clients send who were told nothing', { level: '6' }, 'slow/app', 'low'],
    ['is not raised by the word of a client beyond what the config lets it', { level: '20' }, 'team/app', 'normal'],
    ['is not raised by the word of a client beyond its rule', { level: '20' }, 'slow/app', 'low'],
    ['is what the first rule says that fits', {}, 'prod/app', 'high'],
    ['is lowered by the word of a client', { level: '1' }, 'prod/app', 'low'],
    ['is that of the application', { app: 'batch-7' }, 'team/app', 'low'],
    ['is not raised by the name of an application alone', { app: 'urgent' }, 'team/app', 'normal'],
    ['is raised by it for a caller that the rule names', { app: 'proven', caller: 'read' }, 'team/app', 'high'],
    ['is not for another caller', { app: 'proven' }, 'team/app', 'normal'],
    ['is usual with a level that is none', { level: '21' }, 'team/app', 'normal'],
    ['is usual with a name that is none', { app: `batch-7 ${'x'.repeat(70)}` }, 'team/app', 'normal'],
  ])('%s', (_, said, repository, expected) => {
    const { admit } = rulesOf(byRules)
    expect(admit(puller(said), { repository: parseRepository(repository) }).pullClass).toBe(expected)
  })

  test('may be raised by clients where the config says so', () => {
    const { admit } = rulesOf({ ...byRules, clientMax: 'high' })
    expect(admit(puller({ level: '7' }), { repository: app }).pullClass).toBe('high')
    expect(admit(puller({ app: 'urgent' }), { repository: app }).pullClass).toBe('high')
  })

  test('is counted, and the name of the application is told', () => {
    const metrics = recordingMetrics()
    const { admit } = rulesOf(byRules, metrics)
    expect(admit(puller({ app: 'web' }), { repository: app })).toEqual({ pullClass: 'normal', application: 'web' })
    expect(metrics.value('shoal_pulls_admitted_total', { class: 'normal' })).toBe(1)
  })
})

describe('a pull is refused', () => {
  const url = 'https://models.example.com/secret/weights.bin'

  test.each<[string, object, Said, object]>([
    ['by its repository', { repositories: ['team/*'] }, {}, { repository: app }],
    ['by its application', { applications: ['crawler*'] }, { app: 'crawler-2' }, { repository: app }],
    ['by its tag', { tags: ['nightly-*'] }, {}, { repository: app, tag: 'nightly-7' }],
    ['by its URL', { urls: ['^https?://models\\.example\\.com/secret/'] }, {}, { url }],
    ['by its class', { priorities: ['low'] }, { level: '2' }, { repository: app }],
    ['by who calls', { callers: ['anonymous'] }, {}, { repository: app }],
    ['by all that a rule names', { repositories: ['team/*'], priorities: [3] }, { level: '1' }, { repository: app }],
  ])('%s', (_, rule, said, subject) => {
    const metrics = recordingMetrics()
    const { admit } = rulesOf({ blocks: [{ name: 'stop', ...rule }] }, metrics)
    expect(() => admit(puller(said), subject)).toThrow(
      expect.objectContaining({ code: 'PULL_BLOCKED', status: 403, detail: { rule: 'stop' } }),
    )
    expect(metrics.value('shoal_pulls_blocked_total')).toBe(1)
  })

  test.each<[string, object, Said, object]>([
    ['of another repository', { repositories: ['team/*'] }, {}, { repository: parseRepository('other/app') }],
    ['that says no application', { applications: ['*'] }, {}, { repository: app }],
    ['by its digest, where a rule names tags', { tags: ['*'] }, {}, { repository: app }],
    ['that fits only one list', { repositories: ['team/*'], priorities: ['low'] }, {}, { repository: app }],
    ['of a URL that is too long to look at', { urls: ['.'] }, {}, { url: `https://a/${'x'.repeat(2_100)}` }],
  ])('but not one %s', (_, rule, said, subject) => {
    expect(() => rulesOf({ blocks: [{ name: 'stop', ...rule }] }).admit(puller(said), subject)).not.toThrow()
  })

  test('by its digest, also where no rule knows its repository', () => {
    const { admit } = rulesOf({ blocks: [{ name: 'bad', digests: [`sha256:${'a'.repeat(64)}`] }] })
    const of = (hex: string) => ({ repository: app, digest: `sha256:${hex.repeat(64)}` as Digest })
    expect(() => admit(puller(), of('a'))).toThrow('the rule bad')
    expect(() => admit(puller(), of('b'))).not.toThrow()
    expect(() => admit(puller(), { repository: app })).not.toThrow()
  })

  test('as soon as other rules are set, and no more once they are taken back', () => {
    const rules = rulesOf({})
    const blocks = pullRulesSchema.parse({ blocks: [{ name: 'stop', repositories: ['*'] }] })
    const before = rules.now
    rules.set(blocks)
    expect(rules.now).toBe(blocks)
    expect(() => rules.admit(puller(), { repository: app })).toThrow('stop')
    rules.set(before)
    expect(() => rules.admit(puller(), { repository: app })).not.toThrow()
  })
})

test.each<[unknown, string]>([
  [{ rules: [{ priority: 'high' }] }, 'that is about nothing'],
  [{ rules: [{ repositories: [], priority: 'high' }] }, 'with an empty list'],
  [{ rules: [{ repositories: ['a'], priority: 21 }] }, 'of a level that is none'],
  [{ rules: [{ repositories: ['a'], priority: 0 }] }, 'of the level that says nothing'],
  [{ blocks: [{ name: 'x' }] }, 'that is about nothing'],
  [{ blocks: [{ name: 'a b', tags: ['x'] }] }, 'with a name of two words'],
  [{ blocks: [{ name: 'x', urls: ['(a+)+\\1'] }] }, 'with a pattern that may take for ever'],
  [{ blocks: ['x', 'y'].map(() => ({ name: 'x', tags: ['x'] })) }, 'with the name of another one'],
  [{ clientMax: 'low' }, 'by which clients could not pull as usual'],
])('the config %j has a rule %s, and is refused', (config) => {
  expect(pullRulesSchema.safeParse(config).success).toBe(false)
})

test('a config has at most 200 rules of each kind', () => {
  const many = (count: number) => ({
    blocks: Array.from({ length: count }, (_, at) => ({ name: `x${at}`, tags: ['x'] })),
  })
  expect([200, 201].map((count) => pullRulesSchema.safeParse(many(count)).success)).toEqual([true, false])
})

test('what is refused asks nothing of what lies behind, and the rest is asked with its terms', async () => {
  const asked: unknown[] = []
  const storage: RegistryStorage = {
    ...emptyStorage,
    blobs: { find: async (_, __, options) => void asked.push(options?.terms) },
    manifests: {
      resolve: async (_, __, options) => void asked.push(options?.terms),
      read: async (_, __, options) => {
        asked.push(options?.terms)
        return new Uint8Array()
      },
    },
  }
  const rules = rulesOf({ blocks: [{ name: 'stop', repositories: ['secret/*'] }] })
  const reader = puller({ level: '3', app: 'web' }) as Reader
  const own = await ruledStorage(storage, rules).readers!.during(reader, async (mine) => mine)
  const digest = `sha256:${'a'.repeat(64)}` as Digest
  const secret = parseRepository('secret/app')
  await expect(own.blobs.find(secret, digest)).rejects.toMatchObject({ code: 'PULL_BLOCKED' })
  const tag = { kind: 'tag', tag: parseTag('1') } as const
  await expect(own.manifests.resolve(secret, tag)).rejects.toMatchObject({ code: 'PULL_BLOCKED' })
  expect(asked).toEqual([])
  await own.blobs.find(app, digest)
  await own.manifests.resolve(app, tag)
  await own.manifests.read(app, { digest, size: 1, mediaType: 'x' })
  const terms = { pullClass: 'low', application: 'web' }
  expect(asked).toEqual([terms, terms, terms])
})
