import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { changingCluster, memberClients } from '../../../lib/cluster/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { someMembers } from '../../kit/cluster.ts'

const health = { failures: 1, windowMs: 10_000, outMs: 5_000 }

function changing(count: number) {
  const metrics = recordingMetrics()
  const components = { clock: fakeClock(), logger: silentLogger(), metrics }
  const cluster = changingCluster(components, { name: 'origins', members: someMembers(count), replicas: 2, health })
  const told: string[] = []
  const listed = () => cluster.members.map(({ id }) => id).join()
  const end = cluster.onChange(() => told.push(listed()))
  const of = (member: string) => metrics.value('shoal_cluster_member_healthy', { cluster: 'origins', member })
  return { cluster, metrics, told, end, of, listed }
}

describe('a cluster whose members change', () => {
  test('may know nobody yet: then nobody owns anything', () => {
    const { cluster } = changing(0)
    expect([cluster.owners('k'), cluster.candidates('k'), cluster.liveOwners('k')]).toEqual([[], [], []])
    cluster.replace(someMembers(3))
    expect(cluster.owners('k')).toHaveLength(2)
  })

  test('tells its listeners once of each change, after it', () => {
    const { cluster, told, end } = changing(2)
    cluster.replace(someMembers(3))
    cluster.replace(someMembers(3).toReversed())
    end()
    cluster.replace(someMembers(1))
    expect(told).toEqual(['m0,m1,m2'])
  })

  test('keeps the health of members that stay, and forgets that of those that go or move', () => {
    const { cluster, of } = changing(3)
    for (const id of ['m0', 'm1', 'm2']) cluster.report(id, 'failed')
    const [m0, , m2] = someMembers(3)
    cluster.replace([m0, { id: 'm2', url: 'http://elsewhere' }] as never)
    expect([cluster.isHealthy('m0'), cluster.isHealthy('m2')]).toEqual([false, true])
    expect([of('m0'), of('m2')]).toEqual([0, 1])
    cluster.replace([m0, m2, someMembers(2)[1]] as never)
    expect(cluster.isHealthy('m1')).toBe(true)
  })

  test('a report about a member that is gone is ignored, also when it comes back', () => {
    const { cluster } = changing(2)
    cluster.replace(someMembers(1))
    cluster.report('m1', 'failed')
    cluster.replace(someMembers(2))
    expect(cluster.isHealthy('m1')).toBe(true)
  })

  test('counts members and changes, and tells nothing more of those that are gone', () => {
    const { cluster, metrics } = changing(3)
    cluster.replace(someMembers(2))
    expect(metrics.value('shoal_cluster_members', { cluster: 'origins' })).toBe(2)
    expect(metrics.value('shoal_cluster_changes_total', { cluster: 'origins', kind: 'left' })).toBe(1)
    expect(metrics.value('shoal_cluster_changes_total', { cluster: 'origins', kind: 'joined' })).toBe(0)
    expect(metrics.value('shoal_cluster_member_healthy', { cluster: 'origins', member: 'm2' })).toBe(0)
  })

  test('nothing has changed when the new members cannot be', () => {
    const { cluster, told, listed } = changing(2)
    const twice = [...someMembers(2), { id: 'm0', url: 'http://elsewhere' }]
    expect(() => cluster.replace(twice)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect([listed(), told]).toEqual(['m0,m1', []])
  })

  test('a member that stays is the same object, and a list is never changed', () => {
    const { cluster } = changing(2)
    const before = cluster.members
    cluster.replace(someMembers(3))
    expect(before).toHaveLength(2)
    expect(cluster.members.slice(0, 2).map((member, i) => member === before[i])).toEqual([true, true])
  })
})

describe('the clients of members', () => {
  test('are made once for each address, and follow a member that moves', () => {
    const { cluster } = changing(2)
    const made: string[] = []
    const clients = memberClients(cluster, (url) => made.push(url))
    const first = clients.at('m0')
    expect(clients.at('m0')).toBe(first)
    cluster.replace([{ id: 'm0', url: 'http://elsewhere' }])
    clients.at('m0')
    expect([made.at(-1), made.length, clients.at('m1')]).toEqual(['http://elsewhere', 2, undefined])
  })

  test('still reach a member that has left where it was called last, since uploads go on there', () => {
    const { cluster } = changing(2)
    const clients = memberClients(cluster, (url) => url)
    const opened = clients.of(cluster.members[1] as never)
    cluster.replace(someMembers(1))
    expect(clients.at('m1')).toBe(opened)
  })
})
