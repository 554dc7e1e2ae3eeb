import { setImmediate } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { orderCallers, orderTracker } from '../../kit/order-tracker.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { everySecret } from '../../kit/secrets.ts'
import { startTopology } from '../../kit/topology.ts'

test('a thousand hosts do a job, each once, and never more at a time than it says', async () => {
  await using it = await orderTracker()
  let working = 0
  let most = 0
  const work = async () => {
    working += 1
    most = Math.max(most, working)
    for (let i = 0; i < 3; i += 1) await setImmediate()
    working -= 1
  }
  const hosts = Array.from({ length: 1_000 }, (_, i) => it.host({ name: `host-${i}`, zone: `zone-${i % 3}`, work }))
  await it.gathered(1_000)
  const done = await it.ended(await it.order({ kind: 'delete', atOnce: 25, limitSeconds: 3_600 }))
  expect(done).toMatchObject({ state: 'done', hosts: { done: 1_000 }, progress: { blobs: 1_000, doneBlobs: 1_000 } })
  expect(hosts.filter(({ begun }) => begun.length !== 1)).toEqual([])
  expect(most).toBeLessThanOrEqual(25)
  expect(most).toBeGreaterThan(1)
  const part = await it.ended(await it.order({ count: 10, limitSeconds: 3_600 }))
  const { hosts: asked } = await it.api.jobHosts({ id: part.id })
  expect([asked.length, new Set(asked.map(({ zone }) => zone)).size]).toEqual([10, 3])
}, 900_000)

test('who shows no secret of a node is given no order, and nobody gets those of another host', async () => {
  await using it = await orderTracker()
  const stranger = it.host(
    { name: 'stranger', work: () => Promise.resolve() },
    it.client('not-a-secret-of-this-cluster'),
  )
  const reader = it.host({ name: 'reader', work: () => Promise.resolve() }, it.client(everySecret.adminRead))
  const host = it.host({ name: 'host', work: () => Promise.resolve() })
  await it.gathered(1)
  await it.ended(await it.order({}))
  expect([stranger.begun.length, reader.begun.length, host.begun.length]).toEqual([0, 0, 1])
  expect(stranger.refused).toMatchObject({ code: 'UNAUTHORIZED' })
  expect(reader.refused).toMatchObject({ code: 'DENIED' })
})

test('a host that dies in the middle of a job is named, and one that works is told to stop when it is cancelled', async () => {
  await using it = await orderTracker()
  const never = deferred()
  const dying = it.host({ name: 'dying', work: () => never.promise })
  const other = it.host({ name: 'other', work: () => Promise.resolve() })
  await it.gathered(2)
  const id = await it.order({ kind: 'delete', limitSeconds: 3 })
  await eventually(() => expect([dying.begun.length, other.begun.length]).toEqual([1, 1]))
  await dying[Symbol.asyncDispose]()
  expect(await it.ended(id)).toMatchObject({ state: 'failed', hosts: { done: 1, failed: 1 } })
  const { hosts } = await it.api.jobHosts({ id, state: 'failed' })
  expect(hosts).toMatchObject([{ host: dying.id, code: expect.stringMatching(/^(HOST_AWAY|JOB_TIMEOUT)$/) }])
  const slow = it.host({ name: 'slow', work: () => never.promise })
  await it.gathered(3)
  const more = await it.order({ kind: 'delete', all: undefined, hosts: [slow.id] })
  await eventually(() => expect(slow.begun.length).toBe(1))
  await it.api.cancelJob({ id: more })
  await eventually(() => expect(slow.cancelled).toEqual([more]))
  expect(await it.api.job({ id: more })).toMatchObject({ state: 'cancelled', hosts: { cancelled: 1 } })
})

test('a tracker that is killed in the middle of a job ends it after its restart, and no host does it twice', async () => {
  await using shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 1, processes: ['tracker-1'], later: ['agent-1'] },
    overrides: ['tracker.fleet.gather=0s'],
  })
  await using stack = await buildResource(async (own) =>
    orderCallers(own, { http: shoal.url('tracker-1'), admin: shoal.url('tracker-1', 'admin') }, false),
  )
  const gate = deferred()
  let free = 10
  const work = async () => {
    free -= 1
    if (free < 0) await gate.promise
  }
  const hosts = Array.from({ length: 40 }, (_, i) => stack.host({ name: `host-${i}`, work }))
  await stack.gathered(40)
  const id = await stack.order({ kind: 'delete', atOnce: 8, limitSeconds: 300 })
  await eventually(async () => expect(await stack.api.job({ id })).toMatchObject({ hosts: { done: 10, running: 8 } }))
  await shoal.kill('tracker-1')
  await shoal.start('tracker-1')
  await eventually(async () => expect(await stack.api.job({ id })).toMatchObject({ hosts: { done: 10, running: 8 } }))
  // Those that come back late on a busy machine are not waited for: then others have begun, but nobody twice.
  expect(Math.max(...hosts.map(({ begun }) => begun.length))).toBe(1)
  gate.resolve()
  expect(await stack.ended(id)).toMatchObject({ state: 'done', hosts: { done: 40 } })
  expect(hosts.filter(({ begun }) => begun.length !== 1)).toEqual([])
})
