import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { adminClient, agentAdmin, trackerAdmin } from '../../lib/api/index.ts'
import { eventually } from '../kit/eventually.ts'
import { cursedStore } from '../kit/manager/cursed-store.ts'
import { type SettingsManagerLab, settingsManagerLab } from '../kit/manager/settings-manager-lab.ts'
import { pushBlobOf } from '../kit/pushed-blob.ts'
import { disposableHttp } from '../kit/scripted-server.ts'
import { slowPull } from '../kit/slow-pull.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

const MIB = 1024 * 1024
const AGENTS = 20
/** Free bytes that nodes should keep: they take it, and then their pulls fail. */
const CURSE = 12_345
const agents = Array.from({ length: AGENTS }, (_, i) => `agent-${i + 1}`)

const http = disposableHttp()
afterAll(async () => http[Symbol.asyncDispose]())

/** 20 agents with a slow line, two trackers, and a manager that steers them. */
describe('a fleet of a manager', () => {
  let shoal: Topology
  let manager: SettingsManagerLab
  const all = { scope: 'all', kind: 'agent' }
  const reason = 'a test'
  const rollout = { steps: [{ hosts: 10 }, { percent: 100 }], soakSeconds: 600, minPulls: 10 }

  const runs = async (key: string): Promise<readonly unknown[]> =>
    Promise.all(
      agents.map(async (id) => {
        const { settings } = await adminClient(http, shoal.url(id, 'admin'), agentAdmin).settings({})
        return settings.find((each) => each.key === key)?.live
      }),
    )
  const ended = (id: string, halt: string) =>
    eventually(async () => expect(await manager.admin.rollout({ id })).toMatchObject({ state: 'rolledBack', halt }))
  const applied = () =>
    eventually(async () =>
      expect(await manager.admin.settingsApplied(all)).toMatchObject({ hosts: AGENTS, applied: AGENTS }),
    )

  beforeAll(async () => {
    shoal = await startTopology({
      ...{ agents: AGENTS, origins: 1, trackers: 2, processes: [] },
      overrides: ['agent.limits.download=64KiB/s'],
      more: (kind, id) => (kind === 'agent' ? { labels: { host: id } } : {}),
      agentParts: () => ({ wrapStore: cursedStore(({ minFreeBytes }) => minFreeBytes === CURSE) }),
    })
    const trackers = ['tracker-1', 'tracker-2'].map((id) => ({
      id,
      admin: adminClient(http, shoal.url(id, 'admin'), trackerAdmin),
    }))
    for (const { admin } of trackers)
      await eventually(async () => expect(await admin.statistics({})).toMatchObject({ listening: AGENTS }))
    const clusters = { clusters: () => [{ id: 'near', name: 'near', away: false }], trackers: () => trackers }
    manager = await settingsManagerLab(clusters, { config: { settings: { every: '100ms' } } })
  })
  afterAll(async () => {
    await manager[Symbol.asyncDispose]()
    await shoal[Symbol.asyncDispose]()
  })

  test('a running pull obeys a new limit of its host', async () => {
    const blob = await pushBlobOf(shoal, 'limited-blob', 8 * MIB)
    const pull = await slowPull(shoal.url('agent-1', 'registry') + blob.path)
    await pull.readTo(1)
    const body = { values: { 'limits.download': 'unlimited' }, reason }
    await manager.admin.setSettings({ scope: 'host:agent-1', kind: 'agent', body })
    expect(await pull.finish()).toBe(blob.digest)
    const { keys } = await manager.admin.settingsEffective({ cluster: 'near', host: 'agent-1' })
    expect(keys).toContainEqual({
      ...{ key: 'limits.download', value: 'unlimited', scope: 'host:agent-1', version: expect.any(Number) },
    })
  })

  test('a setting that hosts refuse, rolled out to 10 of 20, halts and is rolled back', async () => {
    await manager.admin.setSettings({ ...all, body: { values: { 'limits.download': '50MB/s' }, reason } })
    await applied()
    const body = { values: { 'limits.download': '50MB/s', 'store.capacity': 0 }, reason, rollout }
    const slot = await manager.admin.setSettings({ ...all, body })
    const id = slot.rollout?.id ?? ''
    await ended(id, 'HOSTS_REFUSE')
    const { history } = await manager.admin.rollout({ id })
    expect(history).toMatchObject([{ step: 1, look: { hosts: AGENTS } }])
    const { events } = await manager.admin.rolloutEvents({ id })
    expect(events.find(({ act }) => act === 'halt')?.look).toMatchObject({ hosts: 10 })
    await applied()
    expect(new Set(await runs('store.capacity')).size).toBe(1)
  })

  test('a setting under which pulls fail, rolled out to 10 of 20, halts and is rolled back', async () => {
    const blob = await pushBlobOf(shoal, 'many-times', MIB)
    await manager.admin.setSettings({ ...all, body: { values: { 'limits.download': '50MB/s' }, reason } })
    await applied()
    const before = await runs('store.minFree')
    const body = { values: { 'limits.download': '50MB/s', 'store.minFree': CURSE }, reason, rollout }
    const id = (await manager.admin.setSettings({ ...all, body })).rollout?.id ?? ''
    await eventually(async () =>
      expect((await manager.admin.rollout({ id })).history).toMatchObject([{ look: { hosts: 10, behind: 0 } }]),
    )
    expect((await runs('store.minFree')).filter((value) => value === CURSE)).toHaveLength(10)
    const statuses = await Promise.all(
      agents.map(async (agent) => {
        const answer = await fetch(shoal.url(agent, 'registry') + blob.path)
        await answer.arrayBuffer()
        return answer.status
      }),
    )
    expect(statuses.filter((status) => status >= 500)).toHaveLength(10)
    await ended(id, 'HEALTH_WORSE')
    const halt = (await manager.admin.rolloutEvents({ id })).events.find(({ act }) => act === 'halt')
    expect(halt?.look).toMatchObject({ hosts: 10, others: { errors: 0 }, comparison: 'worse' })
    await applied()
    expect(await runs('store.minFree')).toEqual(before)
  })
})
