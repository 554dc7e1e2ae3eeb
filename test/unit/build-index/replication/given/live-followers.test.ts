import { beforeEach, describe, expect, test } from '@jest/globals'
import { givenRemoteSetSchema, parseBody } from '../../../../../lib/api/index.ts'
import { appError } from '../../../../../lib/base/index.ts'
import { type GivenRemotes, givenRemotes } from '../../../../../services/build-index/replication/given/given-remotes.ts'
import {
  type LiveFollowers,
  type LiveFollowersInit,
  liveFollowers,
} from '../../../../../services/build-index/replication/given/live-followers.ts'
import type { RemotePlan } from '../../../../../services/build-index/replication/given/remote-plan.ts'
import { outbox } from '../../../../../services/build-index/replication/outbox.ts'
import { matcher } from '../../../../../services/build-index/replication/rules.ts'
import { labRemote, labShard, labTarget, type ReplicationLab, replicationLab } from '../../../../kit/replication-lab.ts'

const { repository, tag } = labTarget

let lab: ReplicationLab

beforeEach(() => {
  lab = replicationLab()
})

const setOf = (generation: number, names: Readonly<Record<string, string>>, more: object = {}) =>
  parseBody(givenRemoteSetSchema, {
    ...{ manager: 'm', generation },
    remotes: Object.entries(names).map(([name, pattern]) => ({
      ...{ name, urls: ['http://far'], rules: [{ repository: pattern }] },
      ...more,
    })),
  })

const make = (name: string, { from, rules, config }: RemotePlan) => {
  const over = new AbortController()
  return labRemote({
    ...{ name, from, rules, urls: config.urls, over: over.signal, secret: config.secret?.() },
    mayWant: (place, each) => rules.some((rule) => matcher(rule).fits(place, each)),
    stop: async () => over.abort(),
  })
}

interface Member {
  readonly followers: LiveFollowers
  readonly given: GivenRemotes
}

const asked = { check: () => undefined }

/** One build-index of the cluster. */
async function member(init: Partial<LiveFollowersInit> = {}, hook = ['hook']): Promise<Member> {
  const hooks = new Map(hook.map((name) => [name, labRemote({ name })]))
  const taken = (name: string) => hooks.has(name)
  const followers = liveFollowers({ ...lab, hooks, make }, { config: {}, managed: { secrets: [] }, taken, ...init })
  await followers.start()
  await lab.clock.advance(1)
  return { followers, given: givenRemotes({ clock: lab.clock, followers, hooks }) }
}

const namesAt = ({ followers }: Member) => [...followers.all.keys()].toSorted()

describe('remotes that are given to one build-index', () => {
  test('count there at once, at the others within seconds, and at one that starts later', async () => {
    const [one, other] = [await member(), await member()]
    const before = other.followers.next
    await one.given.give('manager', setOf(1, { east: 'team/*' }), asked)
    expect(namesAt(one)).toEqual(['east', 'hook'])
    expect(namesAt(other)).toEqual(['hook'])
    await lab.clock.advance(3_000)
    expect(namesAt(other)).toEqual(['east', 'hook'])
    expect(before.aborted).toBe(true)
    expect(namesAt(await member())).toEqual(['east', 'hook'])
  })

  test('are known where a tag is changed ten seconds later, whatever became of the looks', async () => {
    const [one, other] = [await member(), await member({ lookMs: 1_000_000 }, [])]
    const box = outbox({ ...lab, followers: other.followers.all, changes: other.followers })
    await one.given.give('manager', setOf(1, { east: 'team/*' }), asked)
    const change = async () => (await box.announce({ repository, tag }, {}))({})
    await lab.clock.advance(9_000)
    await change()
    expect((await lab.inbox.look(labShard)).entries).toEqual([])
    await lab.clock.advance(2_000)
    await change()
    expect((await lab.inbox.look(labShard)).entries).toMatchObject([{ kind: 'change', tag, made: true }])
  })

  test('of which a rule alone changes go on with what they do; with another address, what they do ends', async () => {
    const one = await member()
    await one.given.give('admin', setOf(1, { east: 'team/*', west: 'team/*' }), asked)
    const [east, west] = ['east', 'west'].map((name) => one.followers.remotes.get(name))
    await one.given.give('admin', setOf(2, { east: 'other/*', west: 'team/*' }), asked)
    expect([east?.over.aborted, west?.over.aborted]).toEqual([false, false])
    expect(one.followers.remotes.get('east')?.rules).toMatchObject([{ repository: 'other/*' }])
    const { next } = one.followers
    await one.given.give('admin', setOf(3, { east: 'other/*', west: 'team/*' }), asked)
    expect(next.aborted).toBe(false)
    await one.given.give('admin', setOf(4, { east: 'other/*' }, { urls: ['http://new'] }), asked)
    expect([east?.over.aborted, west?.over.aborted, next.aborted]).toEqual([true, true, true])
    expect(one.followers.remotes.get('east')).toMatchObject({ urls: ['http://new'], over: { aborted: false } })
    expect(['east', 'west'].map((name) => one.followers.isGone(name))).toEqual([false, true])
  })

  test('come before one of the config with the same name, which is back when they are let go of', async () => {
    const config = {
      east: { urls: ['http://file'], secret: () => 'of-the-file', rules: [{ repository: 'file/*', tag: '*' }] },
    }
    const one = await member({ config: config as never })
    expect(one.followers.remotes.get('east')).toMatchObject({ from: 'config', secret: 'of-the-file' })
    await one.given.give('admin', setOf(1, { east: 'team/*' }), asked)
    expect(one.followers.remotes.get('east')).toMatchObject({ from: 'given', secret: undefined, urls: ['http://far'] })
    await one.given.release(asked)
    const back = one.followers.remotes.get('east')
    expect(back).toMatchObject({ from: 'config', urls: ['http://file'] })
    expect(back?.rules[0]?.since).toBeGreaterThan(0)
  })

  test('that cannot be read leave what is known, and are given anew', async () => {
    const one = await member()
    await one.given.give('manager', setOf(5, { east: 'team/*' }), asked)
    await lab.backend.write('replication/remotes', Buffer.from('{"revision":'), { size: 12 })
    await lab.clock.advance(20_000)
    await one.followers.fresh()
    expect(namesAt(one)).toEqual(['east', 'hook'])
    await expect(one.given.held({})).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    await one.given.give('manager', setOf(1, { west: 'team/*' }), asked)
    expect(namesAt(one)).toEqual(['hook', 'west'])
  })
})

test('while what is given cannot be looked at, no tag is changed: it might have to go somewhere', async () => {
  let isAway = false
  const { records: own } = lab
  const records: ReplicationLab['records'] = {
    ...own,
    read: async (...args) => {
      if (isAway) throw appError('BACKEND_UNAVAILABLE')
      return own.read(...args)
    },
  }
  lab = { ...lab, records }
  const one = await member({}, [])
  isAway = true
  await lab.clock.advance(5_000)
  await one.followers.fresh()
  await lab.clock.advance(10_000)
  await expect(one.followers.fresh()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  isAway = false
  await one.followers.fresh()
})

describe('who may give remotes', () => {
  test('what a manager holds, neither an admin nor another manager changes; all may let go of it', async () => {
    const one = await member()
    await one.given.give('admin', setOf(3, { east: 'a' }), asked)
    await one.given.give('manager', setOf(2, { east: 'b' }), asked)
    const refused = { code: 'REMOTES_HELD', detail: { manager: 'm', generation: 2 } }
    await expect(one.given.give('admin', setOf(9, {}), asked)).rejects.toMatchObject(refused)
    const ofAnother = { ...setOf(9, {}), manager: 'n' }
    await expect(one.given.give('manager', ofAnother, asked)).rejects.toMatchObject(refused)
    expect(await one.given.held({})).toMatchObject({ by: 'manager', generation: 2, count: 1 })
    expect(await one.given.release(asked)).toMatchObject({ by: 'nobody', generation: 0, count: 0 })
    await one.given.give('admin', setOf(1, { east: 'a' }), asked)
  })

  test('an earlier generation, the name of a webhook, and what was not seen are refused, and change nothing', async () => {
    const one = await member()
    await one.given.give('manager', setOf(2, { east: 'a' }), asked)
    await expect(one.given.give('manager', setOf(1, {}), asked)).rejects.toMatchObject({ code: 'REMOTES_STALE' })
    await expect(one.given.give('manager', setOf(3, { hook: 'a' }), asked)).rejects.toMatchObject({
      code: 'NAME_TAKEN',
    })
    const check = ({ generation }: { readonly generation: number }) => {
      expect(generation).toBe(2)
      throw new Error('unseen')
    }
    await expect(one.given.give('manager', setOf(3, {}), { check })).rejects.toThrow('unseen')
    expect(namesAt(one)).toEqual(['east', 'hook'])
  })
})
