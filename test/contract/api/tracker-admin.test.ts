import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type AnnouncingPeer, adminClient, trackerAdmin, trackerClient } from '../../../lib/api/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { digestOf, parsePeerId, parseRepository, peerIdOf, swarmIdOf } from '../../../lib/core/index.ts'
import { recordingLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { trackerDoor } from '../../../services/tracker/index.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { everySecret } from '../../kit/secrets.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testPorts } from '../../kit/test-ports.ts'

const digest = digestOf(Buffer.from('a layer'))
const swarmId = swarmIdOf(digest)
const repository = parseRepository('team/app')

const peerOf = (key: string, port: number, zone: string): AnnouncingPeer => ({
  ...{ peerId: peerIdOf(key), key, port, role: 'agent', zone },
})
const [one, two] = [peerOf('key-of-one', 6881, 'a'), peerOf('key-of-two', 6882, 'b')]

interface Told {
  readonly leftBytes?: number
  readonly event?: 'started' | 'interval' | 'completed' | 'stopped'
  readonly reports?: readonly {
    readonly peerId: string
    readonly receivedBytes: number
    readonly sentBytes: number
    readonly failures: number
  }[]
}

const torrent = ({ leftBytes = 100, event = 'started', reports = [] }: Told = {}) => ({
  ...{ swarmId, digest, repository, event, leftBytes, wantPeers: 50, reports },
})

/** A tracker with secrets, in a folder that outlives it. */
function tracker(folder?: string) {
  return buildResource(async (stack) => {
    const path = folder ?? stack.own(await tempFolder('tracker')).path
    const ports = (await testPorts(3)).take(0, { http: 0, ops: 0, admin: 0 })
    const secrets = { node: everySecret.node, admin: everySecret.admin, adminRead: everySecret.adminRead }
    const overrides = [
      ...Object.entries(ports).map(([name, port]) => `${name}.bind=127.0.0.1:${port}`),
      `folder=${JSON.stringify(join(path, 'tracker'))}`,
      `secrets=${JSON.stringify(secrets)}`,
    ]
    const config = await loadConfig(trackerDoor.schema, { overrides })
    const service = trackerDoor.make({ logger: recordingLogger(), metrics: silentMetrics() }, config)
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    const url = (name: 'http' | 'admin') => `http://127.0.0.1:${ports[name]}`
    const [node, admin, watcher] = [everySecret.node, everySecret.admin, everySecret.adminRead].map((token) =>
      stack.own(disposableHttp({ token })),
    ) as [ReturnType<typeof disposableHttp>, ReturnType<typeof disposableHttp>, ReturnType<typeof disposableHttp>]
    const api = trackerClient(node, url('http'))
    const announce = (peer: AnnouncingPeer, told: Told = {}) => api.announce({ peer, torrents: [torrent(told)] })
    return {
      url,
      path,
      announce,
      admin: adminClient(admin, url('admin'), trackerAdmin),
      watcher: adminClient(watcher, url('admin'), trackerAdmin),
    }
  })
}

const named = (answer: readonly { readonly peers: readonly { readonly peerId: string }[] }[]) =>
  answer.flatMap(({ peers }) => peers.map(({ peerId }) => peerId))

describe('swarms', () => {
  test('are listed with their blob, state and numbers, and found by digest, repository and state', async () => {
    await using it = await tracker()
    await it.announce(one)
    await it.announce(two, { leftBytes: 0 })
    const all = {
      swarmId,
      digest,
      repositories: ['team/app'],
      state: 'downloading',
      downloads: 1,
      seeds: 1,
      origins: 0,
    }
    expect(await it.watcher.swarms({})).toEqual({ swarms: [all] })
    for (const found of [
      { digest },
      { digest: digest.slice(7, 20) },
      { repository: 'team/app' },
      { state: 'downloading' },
    ])
      expect(await it.watcher.swarms(found)).toEqual({ swarms: [all] })
    for (const other of [{ digest: 'sha256:00' }, { repository: 'team' }, { state: 'starving' }])
      expect(await it.watcher.swarms(other)).toEqual({ swarms: [] })
    await expect(it.watcher.swarms({ state: 'odd' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  test('show who has how much, and who feeds whom', async () => {
    await using it = await tracker()
    await it.announce(one, { leftBytes: 70 })
    const report = { peerId: one.peerId, receivedBytes: 30, sentBytes: 0, failures: 1 }
    await it.announce(two, { event: 'interval', leftBytes: 40, reports: [report] })
    const shown = await it.watcher.swarm({ swarm: digest })
    expect(shown).toMatchObject({ state: 'starving', downloads: 2 })
    const left = Object.fromEntries(shown.peers.map(({ peerId, leftBytes, zone }) => [peerId, [leftBytes, zone]]))
    expect(left).toEqual({ [one.peerId]: [70, 'a'], [two.peerId]: [40, 'b'] })
    expect(shown.feeds).toEqual([{ from: one.peerId, to: two.peerId, bytes: 30, bytesPerSecond: 0, failures: 1 }])
    expect(await it.watcher.swarm({ swarm: swarmId, n: '1' })).toMatchObject({ peers: [{}], next: expect.any(String) })
  })

  test('can be dropped, and come back with the next announce', async () => {
    await using it = await tracker()
    await it.announce(one)
    await it.admin.dropSwarm({ swarm: digest })
    await expect(it.watcher.swarm({ swarm: digest })).rejects.toMatchObject({ code: 'SWARM_UNKNOWN' })
    await it.announce(one, { event: 'interval' })
    expect(await it.watcher.swarm({ swarm: digest })).toMatchObject({ downloads: 1 })
    await expect(it.watcher.swarm({ swarm: 'odd' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })
})

describe('hosts', () => {
  test('are listed with what they said and what they have', async () => {
    await using it = await tracker()
    await it.announce(one)
    await it.announce(two)
    const { hosts } = await it.watcher.hosts({ zone: 'b' })
    expect(hosts).toMatchObject([{ peerId: two.peerId, host: '127.0.0.1', zone: 'b', downloads: 1, seeds: 0 }])
    expect((await it.watcher.hosts({ role: 'origin' })).hosts).toEqual([])
    const host = await it.watcher.host({ peer: one.peerId })
    expect(host).toMatchObject({ zone: 'a', blobs: [{ swarmId, digest, complete: false }] })
    await expect(it.watcher.host({ peer: parsePeerId('0'.repeat(40)) })).rejects.toMatchObject({ code: 'NODE_UNKNOWN' })
    expect(await it.watcher.statistics({})).toMatchObject({ swarms: 1, downloads: 2, hosts: 2, zones: { a: 1, b: 1 } })
  })

  test('that are banned are named to nobody, and refused with the reason, until it is taken back or ends', async () => {
    await using it = await tracker()
    await it.announce(one)
    await it.admin.ban({ target: one.peerId, body: { reason: 'sends wrong bytes' } })
    expect(named(await it.announce(two))).toEqual([])
    await expect(it.announce(one)).rejects.toMatchObject({
      code: 'HOST_BANNED',
      detail: { reason: 'sends wrong bytes' },
    })
    expect(await it.watcher.bans({})).toMatchObject({ marks: [{ target: one.peerId, by: 'admin' }] })
    expect((await it.watcher.hosts({ state: 'banned' })).hosts).toMatchObject([
      { ban: { reason: 'sends wrong bytes' } },
    ])
    await it.admin.unban({ target: one.peerId })
    expect(named(await it.announce(two))).toEqual([one.peerId])
    await expect(it.admin.unban({ target: one.peerId })).rejects.toMatchObject({ code: 'MARK_UNKNOWN' })
  })

  test('that are drained are named to nobody, and still get peers themselves', async () => {
    await using it = await tracker()
    await it.announce(one)
    await it.announce(two)
    await it.admin.drain({ target: one.peerId, body: { reason: 'is replaced', minutes: 60 } })
    expect(named(await it.announce(two, { event: 'interval' }))).toEqual([])
    expect(named(await it.announce(one, { event: 'interval' }))).toEqual([two.peerId])
    await it.admin.undrain({ target: one.peerId })
    expect(named(await it.announce(two, { event: 'interval' }))).toEqual([one.peerId])
  })
})

describe('settings', () => {
  test('change what holds at once, and after a restart, with the marks', async () => {
    await using folder = await tempFolder('tracker-twice')
    {
      await using it = await tracker(folder.path)
      await it.admin.ban({ target: '10.0.0.7', body: { reason: 'odd' } })
      const set = { minIntervalMs: 60_000, maxIntervalMs: 61_000 }
      expect(await it.admin.set({ body: set })).toMatchObject({ set, now: { ...set, policy: expect.any(String) } })
      const [answer] = await it.announce(one)
      expect(answer?.intervalMs).toBeGreaterThanOrEqual(60_000)
    }
    await using it = await tracker(folder.path)
    expect(await it.watcher.settings({})).toMatchObject({ now: { minIntervalMs: 60_000 } })
    expect(await it.watcher.bans({})).toMatchObject({ marks: [{ target: '10.0.0.7' }] })
    expect(await it.admin.set({ body: {} })).toMatchObject({ set: {}, now: { minIntervalMs: 5000 } })
  })

  test.each([
    [{ policy: 'odd' }, 'BODY_INVALID'],
    [{ minIntervalMs: 5, maxIntervalMs: 4 }, 'BODY_INVALID'],
    [{ minIntervalMs: 90_000, maxIntervalMs: 80_000 }, 'BODY_INVALID'],
  ])('%j are refused, and nothing changes', async (body, code) => {
    await using it = await tracker()
    const before = await it.watcher.settings({})
    await expect(it.admin.set({ body })).rejects.toMatchObject({ code })
    expect(await it.watcher.settings({})).toEqual(before)
  })

  test('that somebody else has changed meanwhile are not overwritten', async () => {
    await using it = await tracker()
    const call = (method: string, headers: Record<string, string>, body?: object) =>
      fetch(`${it.url('admin')}/settings`, {
        method,
        headers: { authorization: `Bearer ${everySecret.admin}`, 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    const seen = (await call('GET', {})).headers.get('etag') ?? ''
    expect((await call('GET', { 'if-none-match': seen })).status).toBe(304)
    expect((await call('PUT', { 'if-match': seen }, { perSecond: 7 })).status).toBe(200)
    expect((await call('PUT', { 'if-match': seen }, { perSecond: 8 })).status).toBe(412)
    expect(await it.watcher.settings({})).toMatchObject({ set: { perSecond: 7 } })
  })
})

describe('of two who change at once what both have seen, one is told, and the other holds', () => {
  const body = (generation: number) => ({ manager: 'm', generation, layers: [] })

  test.each([
    ['settings', [{ perSecond: 7 }, { perSecond: 8 }]],
    ['steering', [body(1), body(2)]],
  ])('of %s', async (path, bodies) => {
    await using it = await tracker()
    const headers = { authorization: `Bearer ${everySecret.admin}`, 'content-type': 'application/json' }
    const url = `${it.url('admin')}/${path}`
    const seen = (await fetch(url, { headers })).headers.get('etag') ?? ''
    const put = async (each: object) => {
      const sent = { method: 'PUT', headers: { ...headers, 'if-match': seen }, body: JSON.stringify(each) }
      return (await fetch(url, sent)).status
    }
    const statuses = await Promise.all(bodies.map(put))
    expect(statuses.toSorted()).toEqual([200, 412])
    const winner = bodies[statuses.indexOf(200)]
    const now = (await (await fetch(url, { headers })).json()) as { set?: object; document?: object }
    expect(now.set ?? now.document).toEqual(winner)
  })
})

describe('events', () => {
  test('come as they happen, and from where a client was on', async () => {
    await using it = await tracker()
    const first = (await it.watcher.events({}))[Symbol.asyncIterator]()
    await it.announce(one)
    await it.admin.drain({ target: one.peerId, body: { reason: 'r' } })
    const joined = await first.next()
    expect(joined.value).toMatchObject({ kind: 'join', data: { swarmId, digest, peerId: one.peerId } })
    await first.return?.(undefined)
    const again = (await it.watcher.events({ lastId: joined.value?.id }))[Symbol.asyncIterator]()
    expect((await again.next()).value).toMatchObject({ kind: 'drain', data: { target: one.peerId } })
    await again.return?.(undefined)
    const lost = (await it.watcher.events({ lastId: 'another-9' }))[Symbol.asyncIterator]()
    expect((await lost.next()).value).toMatchObject({ kind: 'gap' })
    await lost.return?.(undefined)
    await expect(it.watcher.events({ kinds: 'odd' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })
})

describe('rights', () => {
  const calls = Object.values(trackerAdmin)
  test.each(calls)(
    '$method $path needs the secret of admins, or to look that of watchers',
    async ({ method, path }) => {
      await using it = await tracker()
      const ask = async (secret: string | undefined) => {
        const gone = new AbortController()
        const { status } = await fetch(it.url('admin') + path.replace(/:\w+/g, '0'.repeat(40)), {
          method,
          signal: gone.signal,
          headers: {
            'content-type': 'application/json',
            ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
          },
          ...(method !== 'GET' && { body: '{}' }),
        })
        gone.abort()
        return status
      }
      expect(await ask(undefined)).toBe(401)
      expect([401, 403]).toContain(await ask(everySecret.node))
      const looked = await ask(everySecret.adminRead)
      if (method === 'GET') expect([401, 403]).not.toContain(looked)
      else expect(looked).toBe(403)
      expect([401, 403]).not.toContain(await ask(everySecret.admin))
    },
  )
})
