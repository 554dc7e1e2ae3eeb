import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { buildIndexClient } from '../../../lib/api/build-index.ts'
import { adminClient, buildIndexAdmin, managerApi, trackerAdmin } from '../../../lib/api/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { s3Config } from '../../kit/s3-object.ts'
import { startS3Server } from '../../kit/s3-server/index.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { agingClock } from '../../kit/shifted-clock.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const HOUR = 3_600_000
const [good, odd] = ['build-index-1', 'build-index-2'] as const
const kind = 'build-index'
const reason = 'a test'
const app = parseRepository('team/app')
const rules = [{ repository: 'team/*', tag: 'v*', newest: 1 }]

const stack = resourceStack()
const http = disposableHttp()
const clock = agingClock()
let shoal: Topology

/** A manager, a tracker, and two build-indexes, of which the second has a backend without conditional deletions. */
beforeAll(async () => {
  const backend = s3Config(stack.own(await startS3Server()), { conditionalDeletes: false })
  shoal = stack.own(
    await startTopology({
      ...{ agents: 0, origins: 1, trackers: 1, managers: 1, joinToken: 'join-token-of-a-test-0123456789' },
      processes: [good],
      overrides: ['manager.clusters.heartbeat=500ms', 'manager.settings.every=200ms'],
      more: (_, id) => (id === odd ? { backend } : {}),
      trackerParts: () => ({ clock }),
    }),
  )
}, 120_000)
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  await http[Symbol.asyncDispose]()
})

const manager = () => adminClient(http, shoal.url('manager-1', 'admin'), managerApi)
const tracker = () => adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
const adminOf = (id: string) => adminClient(http, shoal.url(id, 'admin'), buildIndexAdmin)

async function settingsOf(id: string) {
  const { settings, ...rest } = await adminOf(id).settings({})
  return { ...rest, live: Object.fromEntries(settings.map(({ key, live }) => [key, live])) }
}

const set = (scope: string, values: Record<string, unknown>, more: object = {}) =>
  manager().setSettings({ scope, kind, body: { values, reason, ...more } })

const applied = (scope: string, wanted: object) =>
  eventually(async () => expect(await manager().settingsApplied({ scope, kind })).toMatchObject(wanted), {
    timeoutMs: 60_000,
  })

const tagsOf = async () => (await buildIndexClient(http, shoal.url(good)).listTags(app))?.tags

describe('rules of garbage and retention that a manager sets', () => {
  test('a rule that a manager sets takes a tag away, and no process is restarted', async () => {
    const index = buildIndexClient(http, shoal.url(good))
    for (const name of ['v1', 'v2', 'other']) {
      const descriptor = { digest: digestOf(Buffer.from(name)), mediaType: 'a/b', size: name.length }
      await index.putTag(app, parseTag(name), { descriptor })
    }
    expect(await tagsOf()).toEqual(['other', 'v1', 'v2'])
    await expect(adminOf(good).retention({ body: {} })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    const pid = shoal.pid(good)
    await set(`host:${good}`, { 'retention.interval': '1h', 'retention.remove': true, 'retention.rules': rules })
    await applied(`host:${good}`, { hosts: 1, applied: 1, refused: 0 })
    await eventually(async () => expect(await tagsOf()).toEqual(['other', 'v2']), { timeoutMs: 60_000 })
    expect(shoal.pid(good)).toBe(pid)
    expect((await settingsOf(good)).live).toMatchObject({ 'retention.interval': HOUR, 'retention.remove': true })
    const { keys, host } = await manager().settingsEffective({ cluster: 'herd', host: good, kind })
    const own = keys.filter((each) => each.scope === `host:${good}`).map(({ key }) => key)
    expect(own).toEqual(['retention.interval', 'retention.remove', 'retention.rules'])
    expect(host).toMatchObject({ host: good, state: 'applied' })
  })

  test('looks for garbage begin by the interval and the grace that a manager sets', async () => {
    await expect(adminOf(good).gcReport({})).rejects.toMatchObject({ code: 'GARBAGE_NEVER' })
    await set(`host:${good}`, { 'garbage.interval': '1h', 'garbage.grace': '40h' })
    const wanted = { dryRun: true, graceMs: 40 * HOUR }
    await eventually(async () => expect(await adminOf(good).gcReport({})).toMatchObject(wanted), { timeoutMs: 60_000 })
    await set(`host:${good}`, {})
  })

  test('what a build-index cannot do is refused whole, with its reason, and others are told the same', async () => {
    const before = await settingsOf(odd)
    await set(`host:${odd}`, { 'garbage.rate': 11, 'garbage.remove': true, linkMemory: '1s' })
    await applied(`host:${odd}`, { hosts: 1, applied: 0, refused: 1, codes: { SETTING_INVALID: 1 } })
    const { hosts } = await manager().settingsBehind({ scope: `host:${odd}`, kind })
    expect(hosts).toMatchObject([{ host: odd, message: expect.stringContaining('conditional') }])
    const now = await settingsOf(odd)
    expect(now).toMatchObject({ state: 'failed', code: 'SETTING_INVALID' })
    expect(now.live).toEqual(before.live)
    await set(`host:${odd}`, { 'garbage.rate': 12 })
    await applied(`host:${odd}`, { hosts: 1, applied: 1, refused: 0 })
    expect((await settingsOf(odd)).live).toMatchObject({ 'garbage.rate': 12, 'garbage.remove': false })
  })

  test('are rolled out in steps, and values that are malformed reach nobody', async () => {
    const rollout = { steps: [{ hosts: 1 }, { percent: 100 }], soakSeconds: 0 }
    await eventually(async () => expect((await tracker().steeringHosts({ kind })).hosts).toHaveLength(2))
    clock.forward(75_000)
    const made = await set('cluster:herd', { 'garbage.grace': '30h' }, { rollout })
    const id = made.rollout?.id ?? ''
    await eventually(async () => expect(await manager().rollout({ id })).toMatchObject({ state: 'done', steps: 2 }), {
      timeoutMs: 60_000,
    })
    for (const each of [good, odd]) expect((await settingsOf(each)).live).toMatchObject({ 'garbage.grace': 30 * HOUR })
    for (const values of [{ 'garbage.grace': '1m' }, { 'retention.rules': [{ repository: 'a' }] }, { garbage: true }])
      await expect(set('all', values)).rejects.toMatchObject({ code: 'BODY_INVALID' })
  })

  test('hold after a restart without the manager and without a tracker', async () => {
    await set(`host:${good}`, { 'retention.rate': 123, 'retention.rules': rules })
    await applied(`host:${good}`, { hosts: 1, applied: 1 })
    const { hosts } = await tracker().steeringHosts({ kind })
    expect(hosts.map((each) => [each.id, each.kind])).toEqual([
      [good, kind],
      [odd, kind],
    ])
    await Promise.all([shoal.stop('manager-1'), shoal.stop('tracker-1')])
    await shoal.kill(good)
    await shoal.start(good)
    const { live, ...now } = await settingsOf(good)
    expect(now).toMatchObject({ state: 'applied' })
    expect(live).toMatchObject({ 'retention.rate': 123, 'retention.rules': [{ ...rules[0], immutable: false }] })
    await shoal.start('tracker-1')
    await shoal.start('manager-1')
    await applied(`host:${good}`, { hosts: 1, applied: 1 })
  })
})
