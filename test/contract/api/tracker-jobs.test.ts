import { describe, expect, test } from '@jest/globals'
import type { JobBody } from '../../../lib/api/index.ts'
import { deferred } from '../../../lib/base/index.ts'
import { orderTracker, target } from '../../kit/order-tracker.ts'

const done = () => Promise.resolve()

describe('jobs', () => {
  test('are made by admins, and seen by watchers: one, all in pages, the newest first, and their hosts', async () => {
    await using it = await orderTracker()
    for (const [name, zone] of Object.entries({ one: 'a', two: 'a', three: 'b' })) it.host({ name, zone, work: done })
    await it.gathered(3)
    const body = { kind: 'query', target, zone: 'a', platforms: ['linux/amd64'] } as const
    const made = await it.api.order({ body })
    expect(made).toMatchObject({
      kind: 'query',
      target,
      digest: target,
      image: false,
      by: 'admin',
      scope: { zone: 'a' },
    })
    await expect(it.watcher.order({ body })).rejects.toMatchObject({ code: 'DENIED' })
    await expect(it.watcher.cancelJob({ id: made.id })).rejects.toMatchObject({ code: 'DENIED' })
    const asked = await it.ended(made.id)
    expect(asked).toMatchObject({ state: 'done', hosts: { done: 2 }, holds: { whole: 2 }, failures: {} })
    const deleted = await it.ended(await it.order({ kind: 'delete' }))
    expect(await it.watcher.jobs({})).toEqual({ jobs: [deleted, asked] })
    expect(await it.watcher.jobs({ kind: 'query', state: 'done' })).toEqual({ jobs: [asked] })
    expect(await it.watcher.jobs({ n: '1' })).toEqual({ jobs: [deleted], next: deleted.id })
    expect(await it.watcher.jobs({ n: '1', last: deleted.id })).toEqual({ jobs: [asked] })
    const all = await it.watcher.jobHosts({ id: deleted.id })
    expect(all.hosts.map(({ zone, state }) => `${zone} ${state}`).toSorted()).toEqual(['a done', 'a done', 'b done'])
    const { hosts, next } = await it.watcher.jobHosts({ id: deleted.id, n: '2' })
    expect(await it.watcher.jobHosts({ id: deleted.id, n: '2', last: next })).toEqual({ hosts: all.hosts.slice(2) })
    expect(hosts).toEqual(all.hosts.slice(0, 2))
    expect((await it.watcher.jobHosts({ id: asked.id, holds: 'nothing' })).hosts).toEqual([])
  })

  test('that are not there, or are over, are told', async () => {
    await using it = await orderTracker()
    it.host({ name: 'one', work: done })
    await it.gathered(1)
    const { id } = await it.ended(await it.order({}))
    await expect(it.api.cancelJob({ id })).rejects.toMatchObject({ code: 'JOB_OVER' })
    for (const call of [it.api.job, it.api.jobHosts, it.api.cancelJob]) {
      await expect(call({ id: 'odd' })).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
    }
    for (const asked of [{ state: 'odd' }, { kind: 'odd' }]) {
      await expect(it.watcher.jobs(asked)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    }
    await expect(it.watcher.jobHosts({ id, holds: 'odd' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  test('are told as events when they are made and when they end', async () => {
    await using it = await orderTracker()
    it.host({ name: 'one', work: done })
    await it.gathered(1)
    const events = (await it.watcher.events({ kinds: 'job' }))[Symbol.asyncIterator]()
    const id = await it.order({})
    expect((await events.next()).value).toMatchObject({ kind: 'job', data: { id, kind: 'query', state: 'running' } })
    expect((await events.next()).value).toMatchObject({ kind: 'job', data: { id, state: 'done', hosts: { done: 1 } } })
    await events.return?.(undefined)
  })

  test.each<[string, Partial<JobBody> & object, string]>([
    ['no hosts', { all: undefined }, 'BODY_INVALID'],
    ['two scopes', { zone: 'a' }, 'BODY_INVALID'],
    ['an empty list of hosts', { all: undefined, hosts: [] }, 'BODY_INVALID'],
    ['a count and a share', { count: 1, percent: 1 }, 'BODY_INVALID'],
    ['an odd platform', { platforms: ['amd64'] }, 'BODY_INVALID'],
    ['nothing to fetch a blob from', { kind: 'preload' }, 'BODY_INVALID'],
    ['an odd digest', { target: `${target}0` }, 'DIGEST_INVALID'],
    ['an odd name', { target: 'Team/App:1.0' }, 'NAME_INVALID'],
    ['an odd tag', { target: 'team/app:-' }, 'TAG_INVALID'],
    ['no build-index that answers', { target: 'team/app:1.0' }, 'NO_HEALTHY_MEMBER'],
    ['nobody of that zone', { all: undefined, zone: 'z' }, 'FLEET_EMPTY'],
    ['a field that is not known', { odd: 1 } as object, 'BODY_INVALID'],
  ])('with %s are refused', async (_, given, code) => {
    await using it = await orderTracker()
    it.host({ name: 'one', work: done })
    await it.gathered(1)
    await expect(it.order(given)).rejects.toMatchObject({ code })
    expect(await it.watcher.jobs({})).toEqual({ jobs: [] })
  })

  test('with a key are made once', async () => {
    await using it = await orderTracker()
    const never = deferred()
    it.host({ name: 'one', work: () => never.promise })
    await it.gathered(1)
    const id = await it.order({ key: 'k' })
    expect(await it.order({ key: 'k' })).toBe(id)
    await expect(it.order({ key: 'k', kind: 'delete' })).rejects.toMatchObject({ code: 'JOB_KEY_TAKEN' })
  })
})
