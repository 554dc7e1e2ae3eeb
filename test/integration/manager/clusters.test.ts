import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type AnswerOf, adminClient, joiningCalls, managerApi } from '../../../lib/api/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { guardedAdmin } from '../../kit/manager/guarded-admin.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const TOKEN = 'join-token-of-a-test-0123456789'
const KEY = 'key-of-a-member-0123456789'
const http = httpClient({ clock: systemClock() }, { token: everySecret.admin })

let shoal: Topology
const manager = () => adminClient(http, shoal.url('manager-1', 'admin'), managerApi)
const joining = () => adminClient(http, shoal.url('manager-1'), joiningCalls)

beforeAll(async () => {
  await http.start()
  shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 2, managers: 1, joinToken: TOKEN },
    processes: ['manager-1', 'tracker-2'],
    overrides: [
      ...[...secretOverrides(), 'proxy.anonymous=write', 'agent.registry.anonymous=read'],
      ...['manager.clusters.heartbeat=500ms', 'manager.clusters.hosts=500ms'],
    ],
  })
})

afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
  await http.stop()
})

type Member = AnswerOf<typeof managerApi.member>

const member = async (name: string): Promise<Member> => {
  const { members } = await manager().members({})
  const found = members.find((each) => each.member === name)
  if (found === undefined) throw new Error(`${name} has not joined`)
  return found
}

const eventuallyIs = (name: string, state: Member['state']) =>
  eventually(async () => {
    const found = await member(name)
    if (found.state !== state) throw new Error(`${name} is ${found.state}: ${found.reasons.join('; ')}`)
    return found
  })

const everybody = ['build-index-1', 'build-index-2', 'origin-1', 'proxy-1', 'tracker-1', 'tracker-2']

const faked = (more: object) => ({
  ...({ kind: 'tracker', member: 'tracker-9', key: KEY, version: '0', uptimeMs: 0 } as const),
  urls: { ops: 'http://127.0.0.1:9', admin: 'http://127.0.0.1:9', http: 'http://127.0.0.1:9' },
  ...more,
})

describe('the services of a cluster', () => {
  test('join, and are well; their agents are listed', async () => {
    await Promise.all(everybody.map((name) => eventuallyIs(name, 'ok')))
    const { members } = await manager().members({})
    expect(members.map((each) => each.member).toSorted()).toEqual(everybody)
    const { path } = await pushBlobOf(shoal, 'pulled/by-an-agent', 1_000_000)
    const pulled = await fetch(shoal.url('agent-1', 'registry') + path)
    expect(await pulled.arrayBuffer().then(({ byteLength }) => byteLength)).toBe(1_000_000)
    await eventually(async () => expect((await manager().cluster({ cluster: 'herd' })).agents).toBe(1))
    const { hosts } = await manager().hosts({ cluster: 'herd', role: 'agent', text: '127.0.0' })
    expect(hosts).toMatchObject([{ cluster: 'herd', role: 'agent', state: 'ok' }])
  })

  test('are shown as they are when they are killed, and are back when they start again', async () => {
    await eventuallyIs('tracker-2', 'ok')
    await shoal.kill('tracker-2')
    const away = await eventuallyIs('tracker-2', 'away')
    expect(away.reasons.join('; ')).toMatch(/does not answer.*no heartbeat since/)
    const { cluster } = await manager().assignment({})
    expect(cluster.trackers.map(({ id }) => id)).toEqual(['tracker-1'])
    await shoal.start('tracker-2')
    const back = await eventuallyIs('tracker-2', 'ok')
    expect(back.id).toBe(away.id)
  })

  test('serve on while the manager is killed, and go on with it when it is back', async () => {
    const before = await Promise.all(everybody.map((name) => eventuallyIs(name, 'ok')))
    await shoal.kill('manager-1')
    const { path } = await pushBlobOf(shoal, 'pushed/without-manager', 1000)
    expect((await fetch(shoal.url('agent-1', 'registry') + path)).status).toBe(200)
    await shoal.start('manager-1')
    await eventually(async () => {
      const { members } = await manager().members({})
      const beats = new Map(members.map(({ id, heartbeatAtMs }) => [id, heartbeatAtMs] as const))
      for (const { id, heartbeatAtMs, member: name } of before)
        if (!((beats.get(id) ?? 0) > heartbeatAtMs)) throw new Error(`${name} does not live`)
    })
    expect(shoal.crashes).toEqual(new Map())
  })

  test('take the key of the manager that they joined, and no other one', async () => {
    await Promise.all(everybody.map((name) => eventuallyIs(name, 'ok')))
    await expect(manager().relations({})).resolves.toEqual({ relations: [], silent: [] })
    const forged = { authorization: `Bearer ${KEY}` }
    expect((await fetch(`${shoal.url('tracker-1', 'admin')}/rings`, { headers: forged })).status).toBe(401)
  })

  test('that remember nothing are back under their names when they start again', async () => {
    const before = await eventuallyIs('proxy-1', 'ok')
    await shoal.stop('proxy-1')
    expect((await member('proxy-1')).reasons).toEqual(['it was stopped'])
    await shoal.start('proxy-1')
    const back = await eventuallyIs('proxy-1', 'ok')
    expect(back.joinedAtMs).toBeGreaterThan(before.joinedAtMs)
  })
})

describe('who joins', () => {
  test.each([
    ['no token', {}, 'JOIN_REFUSED'],
    ['a wrong token', { token: 'x'.repeat(40) }, 'JOIN_REFUSED'],
    ['a wrong credential', { credential: 'x'.repeat(40) }, 'JOIN_REFUSED'],
    ['the name of a member that lives', { token: TOKEN, member: 'tracker-1' }, 'MEMBER_TAKEN'],
    [
      'a key that others would see',
      { token: TOKEN, urls: { ops: 'http://10.0.0.9:1', admin: 'http://10.0.0.9:1' } },
      'MEMBER_INSECURE',
    ],
    [
      'the address where a cloud keeps credentials, as http://169.254.169.254,',
      { token: TOKEN, insecure: true, urls: { ops: 'http://169.254.169.254', admin: 'http://127.0.0.1:1' } },
      'JOIN_REFUSED',
    ],
    [
      'the address where a cloud keeps credentials, as https://[::ffff:a9fe:a9fe]:80,',
      { token: TOKEN, insecure: true, urls: { ops: 'https://[::ffff:a9fe:a9fe]:80', admin: 'http://127.0.0.1:1' } },
      'JOIN_REFUSED',
    ],
    [
      'the address where a cloud keeps credentials, as http://metadata.google.internal,',
      { token: TOKEN, insecure: true, urls: { ops: 'http://metadata.google.internal', admin: 'http://127.0.0.1:1' } },
      'JOIN_REFUSED',
    ],
    ['an address that is none', { token: TOKEN, urls: { ops: 'file:///etc', admin: 'x' } }, 'BODY_INVALID'],
    ['too much', { token: TOKEN, zone: 'z'.repeat(40_000) }, 'BODY_TOO_LARGE'],
  ])('with %s is refused', async (_, more, code) => {
    await eventuallyIs('tracker-1', 'ok')
    await expect(joining().join({ body: faked(more) })).rejects.toMatchObject({ code })
  })

  test('in place of a member that lives has to be at its address, with a key that is good there', async () => {
    await using admin = await guardedAdmin(KEY)
    const urls = { ops: admin.url, admin: admin.url }
    const { credential = '' } = await joining().join({ body: faked({ token: TOKEN, urls }) })
    const forger = faked({ token: TOKEN, urls, key: 'a-key-that-nobody-takes' })
    await expect(joining().join({ body: forger })).rejects.toMatchObject({ code: 'MEMBER_TAKEN' })
    const elsewhere = faked({ token: TOKEN })
    await expect(joining().join({ body: elsewhere })).rejects.toMatchObject({ code: 'MEMBER_TAKEN' })
    const { credential: newer = '' } = await joining().join({ body: faked({ token: TOKEN, urls }) })
    expect(newer).not.toBe(credential)
    await manager().forgetMember({ member: newer.split('.')[0] ?? '' })
  })

  test('with a token for one use joins once; a revoked one is good for nobody', async () => {
    const { token } = await manager().createJoinToken({ cluster: 'herd', body: { name: 'once', uses: 1 } })
    const { credential = '' } = await joining().join({ body: faked({ token }) })
    await expect(joining().join({ body: faked({ token, member: 'tracker-8' }) })).rejects.toMatchObject({
      code: 'JOIN_REFUSED',
    })
    const made = await manager().createJoinToken({ cluster: 'herd', body: { name: 'revoked' } })
    await manager().revokeJoinToken({ cluster: 'herd', token: made.id })
    const late = faked({ token: made.token, member: 'tracker-7' })
    await expect(joining().join({ body: late })).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
    const claim = faked({ credential, member: 'tracker-1' })
    await expect(joining().join({ body: claim })).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
    await manager().forgetMember({ member: credential.split('.')[0] ?? '' })
    const beat = { credential, version: '0', uptimeMs: 1 }
    await expect(joining().heartbeat({ body: beat })).rejects.toMatchObject({ code: 'JOIN_REFUSED' })
  })

  test('is told nothing about clusters without a token', async () => {
    const place = `${shoal.url('manager-1')}/api/v1/assignment`
    expect((await fetch(place)).status).toBe(401)
    expect((await fetch(place, { headers: { authorization: 'Bearer wrong-token-0123456789' } })).status).toBe(401)
    // Tests come in any order, and a tracker joins in the background.
    await eventually(async () => {
      const known = await fetch(place, { headers: { authorization: `Bearer ${TOKEN}` } })
      expect(await known.json()).toMatchObject({ cluster: { name: 'herd', why: ['it is the default (1)'] } })
    })
  })
})
