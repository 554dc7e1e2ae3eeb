import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { adminClient, managerApi } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { shoalVersion } from '../../../lib/service/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

/** Two agents behind two trackers of one manager; the manager, a tracker and an agent are processes. */
const http = httpClient({ clock: systemClock() }, { token: everySecret.admin })
const AGENTS = 2
const all = { scope: 'all', kind: 'agent' }
const one = { scope: 'host:agent-2', kind: 'agent' }
const reason = 'a test'

let shoal: Topology
const manager = () => adminClient(http, shoal.url('manager-1', 'admin'), managerApi)
const behindByMetric = () => shoal.counter('manager-1', 'shoal_manager_hosts_behind', 'cluster="herd"')

beforeAll(async () => {
  await http.start()
  shoal = await startTopology({
    ...{ agents: AGENTS, origins: 1, trackers: 2, managers: 1, joinToken: 'join-token-of-a-test-0123456789' },
    processes: ['manager-1', 'tracker-1', 'agent-2'],
    overrides: [
      ...[...secretOverrides(), 'proxy.anonymous=write', 'agent.registry.anonymous=read'],
      ...['manager.clusters.heartbeat=500ms', 'manager.clusters.hosts=500ms', 'manager.settings.every=500ms'],
    ],
    more: (kind, id) => (kind === 'agent' ? { labels: { host: id } } : {}),
  })
  // Nobody has anything, and trackers list them all the same.
  await eventually(async () => expect((await manager().cluster({ cluster: 'herd' })).agents).toBe(AGENTS))
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
  await http.stop()
})

test('hosts that have applied their settings show the generation and the version that they run', async () => {
  const body = { values: { 'limits.download': '61MB/s' }, reason }
  const { generation } = await manager().setSettings({ ...all, body })
  const run = { version: shoalVersion, generation, behind: false, settings: { state: 'applied' } }
  await eventually(async () => {
    const { hosts } = await manager().hosts({ cluster: 'herd' })
    expect(hosts.map(({ role }) => role).toSorted()).toEqual(['agent', 'agent', 'origin'])
    expect(hosts).toMatchObject([run, run, run])
  })
  expect((await manager().hosts({ behind: 'true' })).hosts).toEqual([])
})

test('one that refuses what it should run is behind and says why, until it has what it should have', async () => {
  const refused = (await manager().setSettings({ ...one, body: { values: { 'store.capacity': 0 }, reason } }))
    .generation
  await eventually(async () => {
    const { hosts } = await manager().hosts({ behind: 'true' })
    const settings = { state: 'failed', code: 'SETTING_INVALID', message: expect.any(String) }
    expect(hosts).toMatchObject([{ role: 'agent', version: shoalVersion, behind: true, settings }])
    expect(hosts[0]?.generation).toBeLessThan(refused)
    expect(await manager().cluster({ cluster: 'herd' })).toMatchObject({ agents: 2, behind: 1 })
    // For the others the later generation says what they run already.
    const rest = (await manager().hosts({})).hosts.filter(({ behind }) => !behind)
    expect(rest).toMatchObject([{ generation: refused }, { generation: refused }])
  })
  await eventually(async () => expect(await behindByMetric()).toBe(1))
  const body = { values: { 'limits.download': '62MB/s' }, reason }
  const { generation } = await manager().setSettings({ ...one, body })
  await eventually(async () => {
    const { hosts } = await manager().hosts({ role: 'agent' })
    expect(hosts.map((host) => [host.generation, host.behind])).toEqual([
      [generation, false],
      [generation, false],
    ])
    expect((await manager().cluster({ cluster: 'herd' })).behind).toBe(0)
  })
  await eventually(async () => expect(await behindByMetric()).toBe(0))
})
