import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { adminClient, managerApi } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

/** Two clusters of one manager, and an agent whose config knows the first. Its trackers, the agent and the manager are processes. */
const TOKEN = 'join-token-of-a-test-0123456789'
const stack = resourceStack()
const http = httpClient({ clock: systemClock() }, { token: everySecret.admin })
const one = { agents: 1, origins: 1, trackers: 1 }
const overrides = [...secretOverrides(), 'proxy.anonymous=write', 'agent.registry.anonymous=read']

let near: Topology
let far: Topology
const manager = () => adminClient(http, near.url('manager-1', 'admin'), managerApi)
const clusterOf = async () => (await manager().assignment({ zone: 'a' })).cluster.name

beforeAll(async () => {
  await http.start()
  stack.own({ [Symbol.asyncDispose]: () => http.stop() })
  near = stack.own(
    await startTopology({
      ...{ ...one, managers: 1, joinToken: TOKEN, processes: ['tracker-1', 'agent-1'], later: ['agent-1'] },
      overrides: [...overrides, 'manager.clusters.heartbeat=500ms'],
      more: (kind) =>
        kind === 'agent' ? { zone: 'a', manager: { assignment: near.url('manager-1'), token: TOKEN } } : {},
    }),
  )
  const { revision } = await manager().cluster({ cluster: 'herd' })
  await manager().changeCluster({ cluster: 'herd', body: { revision, scopes: { zones: ['a'] }, default: false } })
  await manager().createCluster({ body: { name: 'far', default: true } })
  const { token } = await manager().createJoinToken({ cluster: 'far', body: { name: 'test' } })
  const joins = ['tracker', 'origin', 'buildIndex']
  far = stack.own(
    await startTopology({
      ...{ ...one, agents: 0, processes: [], overrides },
      more: (kind) => (joins.includes(kind) ? { manager: { url: near.url('manager-1'), token } } : {}),
    }),
  )
  await eventually(async () => expect(await clusterOf()).toBe('herd'))
  await eventually(async () => {
    const { alternatives } = await manager().assignment({ zone: 'a' })
    expect(alternatives).toMatchObject([{ name: 'far', trackers: [{}], origins: [{}], buildIndexes: [{}, {}] }])
  })
})

afterAll(async () => stack[Symbol.asyncDispose]())

const pull = async (path: string) => {
  const response = await fetch(near.url('agent-1', 'registry') + path)
  return response.ok ? (await response.arrayBuffer()).byteLength : response.status
}

test('an agent pulls in the cluster that it is assigned to, and in the next one when its trackers are killed', async () => {
  await near.start('agent-1')
  const here = await pushBlobOf(near, 'near/app', 100_000)
  const there = await pushBlobOf(far, 'far/app', 200_000)
  expect(await pull(here.path)).toBe(100_000)
  expect(await pull(there.path)).toBe(404)
  await near.kill('tracker-1')
  await eventually(async () => expect(await pull(there.path)).toBe(200_000))
  await eventually(async () => expect(await clusterOf()).toBe('far'))
  // What it has it still gives, and what the manager says next it knows already.
  await near.stop('agent-1')
  await near.start('agent-1')
  await eventually(async () => expect(await pull(there.path)).toBe(200_000))
  expect(near.logs('agent-1')).toContain('this agent goes to another cluster')
})

test('an origin that is away stays in the ring that agents are told', async () => {
  await far.stop('origin-1')
  await eventually(async () => {
    const { cluster } = await manager().assignment({})
    expect(cluster).toMatchObject({ name: 'far', origins: [{ id: 'origin-1', state: 'away' }] })
  })
  await far.start('origin-1')
})
