import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adminClient, agentAdmin, trackerAdmin } from '../../../lib/api/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { settingsManagerLab } from '../../kit/manager/settings-manager-lab.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { startTopology } from '../../kit/topology.ts'

const http = disposableHttp()
afterAll(async () => http[Symbol.asyncDispose]())

const reason = 'a test'

/** An agent, an origin and a tracker, and a manager that steers them. */
async function start() {
  const shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [] })
  const admin = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
  await eventually(async () => expect(await admin.statistics({})).toMatchObject({ listening: 1 }))
  const trackers = [{ id: 'tracker-1', admin }]
  const clusters = { clusters: () => [{ id: 'near', name: 'near', away: false }], trackers: () => trackers }
  const manager = await settingsManagerLab(clusters, { config: { settings: { every: '100ms' } } })
  return {
    shoal,
    async set(kind: string, values: Record<string, unknown>, hosts = 1) {
      await manager.admin.setSettings({ scope: 'all', kind, body: { values, reason } })
      await eventually(async () =>
        expect(await manager.admin.settingsApplied({ scope: 'all', kind })).toMatchObject({ hosts, applied: hosts }),
      )
    },
    manager,
    async pull(path: string) {
      const response = await fetch(shoal.url('agent-1', 'registry') + path)
      const body = Buffer.from(await response.arrayBuffer())
      if (response.ok) return body.length
      return (JSON.parse(body.toString()) as { errors: [{ detail: unknown }] }).errors[0].detail
    },
    async [Symbol.asyncDispose]() {
      await manager[Symbol.asyncDispose]()
      await shoal[Symbol.asyncDispose]()
    },
  }
}

const refused = (rule: string) => ({ rule, code: 'PULL_BLOCKED' })

describe('a manager', () => {
  let it: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    it = await start()
  })
  afterAll(async () => it[Symbol.asyncDispose]())

  test('refuses by a block-list the next pull at agents and origins, and none once it is let go of', async () => {
    const [app, secret] = [
      await pushBlobOf(it.shoal, 'team/app', 1000),
      await pushBlobOf(it.shoal, 'team/secret', 2000),
    ]
    const [cold, model] = [await pushBlobOf(it.shoal, 'cold/app', 3000), await pushBlobOf(it.shoal, 'cold/model', 4000)]
    const details = () => Promise.all([app, secret, cold, model].map(({ path }) => it.pull(path)))
    const blocks = [
      { name: 'no-app', digests: [app.digest] },
      { name: 'no-secret', repositories: ['team/secret'] },
    ]
    const withhold = [
      { name: 'no-cold', repositories: ['cold/app'] },
      { name: 'no-model', digests: [model.digest] },
    ]
    await Promise.all([it.set('agent', { 'pulls.blocks': blocks }), it.set('origin', { withhold })])
    expect(await details()).toEqual(['no-app', 'no-secret', 'no-cold', 'no-model'].map(refused))
    await Promise.all([it.set('agent', {}), it.set('origin', {})])
    await eventually(async () => expect(await details()).toEqual([1000, 2000, 3000, 4000]))
  })

  test('sets rules and the class that clients reach, and those from before stay where the next ones are malformed', async () => {
    const rules = [{ repositories: ['team/*'], priority: 12 }]
    await it.set('agent', { 'pulls.rules': rules, 'pulls.clientMax': 'high', withhold: [] })
    const agent = adminClient(http, it.shoal.url('agent-1', 'admin'), agentAdmin)
    const live = async () => {
      const { settings } = await agent.settings({})
      return Object.fromEntries(
        settings.filter(({ key }) => key.startsWith('pulls.')).map((each) => [each.key, each.live]),
      )
    }
    const high = [{ repositories: ['team/*'], priority: 'high' }]
    expect(await live()).toEqual({ 'pulls.clientMax': 'high', 'pulls.rules': high, 'pulls.blocks': [] })
    const blob = await pushBlobOf(it.shoal, 'team/ruled', 1000)
    expect(await it.pull(blob.path)).toBe(1000)
    expect((await agent.pulls({ n: '1' })).pulls).toMatchObject([{ class: 'high' }])
    const set = it.set('agent', { 'pulls.rules': [{ priority: 'high' }], 'pulls.clientMax': 'normal' })
    await expect(set).rejects.toMatchObject({ code: 'BODY_INVALID', message: expect.stringContaining('pulls.rules') })
    expect(await live()).toMatchObject({ 'pulls.clientMax': 'high', 'pulls.rules': high })
  })
})
