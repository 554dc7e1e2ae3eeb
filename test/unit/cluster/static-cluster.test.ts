import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { type Cluster, staticCluster } from '../../../lib/cluster/index.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'

const ids = (members: readonly { id: string }[]) => members.map(({ id }) => id)

function takeOut(cluster: Cluster, id: string): void {
  for (let i = 0; i < 3; i += 1) cluster.report(id, 'failed')
}

describe('a static cluster', () => {
  test('refuses to be empty', () => {
    expect(() => clusterOf([])).toThrow(expect.objectContaining({ code: 'CLUSTER_EMPTY' }))
  })

  test.each([
    ['an id that stands twice', ['a', 'a']],
    ['an empty id', ['']],
    ['an id that is a property of every object', ['__proto__']],
    ['an id with a space', ['a b']],
  ])('refuses %s', (_name, list) => {
    const members = list.map((id) => ({ id, url: 'http://127.0.0.1:1' }))
    expect(() => clusterOf(members)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  test('refuses to keep no replica', () => {
    expect(() => clusterOf(someMembers(2), { replicas: 0 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })

  test('takes ids that look like inherited properties or addresses', () => {
    const members = ['constructor', 'toString', '10.0.0.1:64001', '7'].map((id) => ({ id, url: `http://${id}` }))
    expect(ids(clusterOf(members).candidates('key')).sort()).toEqual(['10.0.0.1:64001', '7', 'constructor', 'toString'])
  })

  test('owners are the start of the ring order, and do not change when one is out', () => {
    const cluster = clusterOf(someMembers(5))
    const before = ids(cluster.owners('key'))
    const order = ids(cluster.candidates('key'))
    expect(before).toEqual(order.slice(0, 2))
    takeOut(cluster, before[0] as string)
    expect(ids(cluster.owners('key'))).toEqual(before)
  })

  test('a member that is out comes last, and the next one on the ring owns for now', () => {
    const cluster = clusterOf(someMembers(4))
    const order = ids(cluster.candidates('key'))
    takeOut(cluster, order[0] as string)
    expect(cluster.isHealthy(order[0] as string)).toBe(false)
    expect(ids(cluster.candidates('key'))).toEqual([...order.slice(1), order[0]])
    expect(ids(cluster.liveOwners('key'))).toEqual(order.slice(1, 3))
  })

  test('when all are out they are all candidates still, in ring order', () => {
    const cluster = clusterOf(someMembers(3))
    const order = ids(cluster.candidates('key'))
    for (const id of order) takeOut(cluster, id)
    expect(ids(cluster.candidates('key'))).toEqual(order)
  })

  test('a member is tried again after its time out', async () => {
    const clock = fakeClock()
    const cluster = clusterOf(someMembers(3), { clock })
    takeOut(cluster, 'm1')
    await clock.advance(5_000)
    expect(cluster.isHealthy('m1')).toBe(true)
    cluster.report('m1', 'failed')
    expect(cluster.isHealthy('m1')).toBe(false)
  })

  test('reports about strangers are ignored', () => {
    const cluster = clusterOf(someMembers(2))
    expect(() => cluster.report('stranger', 'failed')).not.toThrow()
  })

  test('says once that a member went and once that it came back', () => {
    const lines: string[] = []
    const note = (message: string) => void lines.push(message)
    const logger = { debug: note, info: note, warn: note, error: note, child: () => logger }
    const cluster = staticCluster(
      { clock: fakeClock(), logger },
      { name: 'origin', members: someMembers(2), replicas: 1, health: { failures: 2, windowMs: 100, outMs: 100 } },
    )
    for (let i = 0; i < 5; i += 1) cluster.report('m0', 'failed')
    cluster.report('m0', 'ok')
    cluster.report('m0', 'ok')
    expect(lines).toEqual(['the member fails and is left out for a while', 'the member answers again'])
  })
})
