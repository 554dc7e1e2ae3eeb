import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { peerStoreContract } from '../../contract/tracker/peer-store-contract.ts'
import { readProjectFile } from '../../kit/doc-table.ts'
import { eventually } from '../../kit/eventually.ts'
import { type RedisServer, redisServer } from '../../kit/redis-server.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import {
  provenPeer,
  type SharingTracker,
  type SharingTrackerInit,
  sharingTracker,
  stockPeer,
  wantedBlob,
} from '../../kit/sharing-trackers.ts'

const password = 'a password for tests'
let redis: RedisServer
let prefixes = 0

beforeAll(async () => {
  redis = await redisServer({ password })
})
afterAll(async () => redis[Symbol.asyncDispose]())

const place = (prefix: string) => ({ url: redis.url, password: () => password, prefix })
const written = (tracker: SharingTracker, count: number) =>
  eventually(() =>
    expect(tracker.metrics.value('shoal_tracker_store_writes_total', { outcome: 'written' })).toBeGreaterThanOrEqual(
      count,
    ),
  )

/** Two trackers with one redis, and the beginning of their keys. */
const pair = (init: SharingTrackerInit = {}) =>
  buildResource(async (stack) => {
    prefixes += 1
    const prefix = `pair${prefixes}:`
    const start = async () => stack.own(await sharingTracker({ redis: place(prefix), ...init }))
    return { prefix, one: await start(), two: await start(), start }
  })

describe('a tracker with redis', () => {
  peerStoreContract(() => ({ redis: place('contract:') }))

  test('knows what another one knows: downloads, nodes, stock clients, IPv6', async () => {
    await using it = await pair()
    const wanted = wantedBlob('known to both')
    const [downloader, seeder, stock] = [provenPeer(), provenPeer(), stockPeer()]
    await it.one.announce(downloader, wanted, { host: '2001:db8::5' })
    await it.one.announce(stock, wanted, { leftBytes: 0 })
    it.one.seed(seeder, { add: [wanted] })
    await written(it.one, 4)
    expect(await it.two.announce(provenPeer(), wanted, { host: '2001:db8::6' })).toEqual(
      expect.arrayContaining([
        { peerId: downloader.peerId, host: '2001:db8::5', port: downloader.port, role: 'agent', complete: false },
        { peerId: stock.peerId, host: '10.0.0.1', port: stock.port, role: 'agent', complete: true },
        { peerId: seeder.peerId, host: '10.0.0.9', port: seeder.port, role: 'agent', complete: true },
      ]),
    )
  })

  test('does not know who has left another one, nor what a node has no longer', async () => {
    await using it = await pair()
    const wanted = wantedBlob('left')
    const [leaver, stays, seeder] = [provenPeer(), stockPeer(), provenPeer()]
    for (const peer of [leaver, stays]) await it.one.announce(peer, wanted)
    it.one.seed(seeder, { add: [wanted] })
    await written(it.one, 4)
    await it.one.announce(leaver, wanted, { event: 'stopped' })
    it.one.seed(seeder, { remove: [wanted] })
    await written(it.one, 7)
    expect(await it.two.named(wanted)).toEqual([{ peerId: stays.peerId, complete: false }])
  })

  test('names after a restart whom it named before, and lets nobody else have their ids', async () => {
    await using it = await pair()
    const wanted = wantedBlob('restart')
    const [downloader, seeder, stock] = [provenPeer(), provenPeer(), stockPeer()]
    for (const peer of [downloader, stock]) await it.one.announce(peer, wanted)
    it.one.seed(seeder, { add: [wanted] })
    await it.one[Symbol.asyncDispose]()
    const after = await it.start()
    for (const peer of [downloader, seeder, stock]) {
      expect(await after.announce({ ...peer, key: 'guess', port: 666 }, wanted)).toBeUndefined()
    }
    expect((await after.named(wanted)).map(({ peerId }) => peerId).toSorted()).toEqual(
      [downloader, seeder, stock].map(({ peerId }) => peerId).toSorted(),
    )
    expect(await after.announce(stock, wanted)).toHaveLength(2)
  })

  test('keeps no key of a peer in redis', async () => {
    await using it = await pair()
    const [peer, stock] = [provenPeer(), stockPeer()]
    const wanted = wantedBlob('no keys')
    await it.one.announce(peer, wanted)
    await it.one.announce(stock, wanted)
    it.one.seed(peer, { add: [wantedBlob('another')] })
    await written(it.one, 4)
    const rows = await redis.cli('hgetall', `${it.prefix}peers:${wanted.swarmId}:rows`)
    const node = await redis.cli('get', `${it.prefix}node:${peer.peerId}`)
    expect(rows).toContain(peer.peerId)
    expect(node).toMatch(/^1 10\.0\.0\.9 \d+ agent whole 0 key [0-9a-f]{64}$/)
    for (const { key } of [peer, stock]) expect(rows + node).not.toContain(key)
  })

  test('takes a seed that it has told over to another tracker from redis only if it wrote it last', async () => {
    await using it = await pair()
    const [wanted, node] = [wantedBlob('moved'), provenPeer()]
    it.one.seed(node, { add: [wanted] })
    await written(it.one, 2)
    it.two.seed({ ...node }, { add: [wanted] })
    await written(it.two, 2)
    it.one.seed(node, { remove: [wanted] })
    await written(it.one, 4)
    const third = await it.start()
    expect(await third.named(wanted)).toEqual([{ peerId: node.peerId, complete: true }])
  })

  test('needs no more rights than docs/operations.md says', async () => {
    const rights = /`(\+evalsha [^`]+)` and, for the scripts, `([^`]+)`, on the keys `~shoal:\*`/s.exec(
      readProjectFile('docs/operations.md'),
    )
    const words = [rights?.[1], rights?.[2]].flatMap((text) => text?.split(/\s+/) ?? [])
    await redis.cli('acl', 'setuser', 'shoal', 'reset', 'on', `>${password}`, '~shoal:*', ...words)
    const limited = { ...place('shoal:'), url: `${redis.url}/1`, username: 'shoal' }
    await using it = await pair({ redis: limited })
    const [wanted, peer, seeder] = [wantedBlob('rights'), provenPeer(), provenPeer()]
    await it.one.announce(peer, wanted)
    it.one.seed(seeder, { add: [wanted] })
    await written(it.one, 3)
    expect(await it.two.named(wanted)).toHaveLength(2)
    await it.one.announce(peer, wanted, { event: 'stopped' })
    it.one.seed(seeder, { remove: [wanted] })
    it.one.store.dropped(wanted.swarmId)
    await written(it.one, 7)
    expect([it.one.store.trouble, it.two.store.trouble]).toEqual([undefined, undefined])
  })

  test('keeps at most 1,000 rows of a swarm, and believes 100 of them', async () => {
    await using it = await pair()
    const wanted = wantedBlob('many')
    const rows = `${it.prefix}peers:${wanted.swarmId}`
    for (let at = 0; at < 990; at += 1)
      await it.one.announce(provenPeer(), wanted, { host: `10.1.${at >> 8}.${at & 255}` })
    await written(it.one, 990)
    expect(await redis.cli('zcard', rows)).toBe('990')
    await it.two.named(wanted)
    expect(it.two.registry.peers).toBe(100)
    for (let at = 0; at < 20; at += 1) await it.two.announce(provenPeer(), wanted, { host: `10.2.0.${at}` })
    await written(it.two, 20)
    expect([await redis.cli('zcard', rows), await redis.cli('hlen', `${rows}:rows`)]).toEqual(['1000', '1000'])
  })

  test.each(['10.6.6.6', '2001:db8:6:6::'])(
    'lets no address fill a swarm: those at %s make room among themselves',
    async (host) => {
      await using it = await pair()
      const wanted = wantedBlob(`crowded by ${host}`)
      const isV6 = host.includes(':')
      for (let at = 0; at < 100; at += 1) await it.two.announce(provenPeer(), wanted, { host: `10.1.0.${at}` })
      await written(it.two, 100)
      for (let at = 0; at < 1500; at += 1)
        await it.one.announce(provenPeer(), wanted, { host: isV6 ? `${host}${at.toString(16)}` : host })
      await written(it.one, 1500)
      const rows = await redis.cli('hvals', `${it.prefix}peers:${wanted.swarmId}:rows`)
      const others = rows.split('\n').filter((row) => row.includes(' 10.1.0.'))
      expect(others.length).toBeGreaterThanOrEqual(95)
    },
  )

  test('does not keep what made room in memory: one address with entries in very many swarms', async () => {
    await using it = await pair()
    for (let at = 0; at < 1_300; at += 1) await it.one.announce(stockPeer(), wantedBlob(`flood ${at}`))
    expect(it.one.registry.peers).toBe(999)
    await eventually(async () => expect(await redis.count(`${it.prefix}peers:*:rows`)).toBe(999))
  })

  test('knows the zone of whom another one knows', async () => {
    await using it = await pair()
    const wanted = wantedBlob('zones')
    const zone = 'zone ä'
    await it.one.announce(provenPeer({ zone }), wanted)
    it.one.seed(provenPeer({ zone }), { add: [wanted] })
    await written(it.one, 3)
    await it.two.named(wanted)
    expect(it.two.registry.sample(wanted.swarmId, 9).map((peer) => peer.zone)).toEqual([zone, zone])
  })
})

describe('while redis', () => {
  const own = () =>
    buildResource(async (stack) => {
      const server = stack.own(await redisServer())
      const tracker = stack.own(await sharingTracker({ redis: { url: server.url, prefix: 'p:' } }))
      return { server, tracker }
    })

  test('is dead, the tracker goes on; when it is back, what is in memory is there again', async () => {
    await using it = await own()
    const [wanted, early, late, seeder] = [wantedBlob('dead'), provenPeer(), provenPeer(), provenPeer()]
    await it.tracker.announce(early, wanted)
    it.tracker.seed(seeder, { add: [wanted] })
    await written(it.tracker, 3)
    await it.server.kill()
    await eventually(() => expect(it.tracker.store.trouble).toMatch(/^redis is away/))
    expect(await it.tracker.announce(late, wanted)).toHaveLength(2)
    expect(await it.tracker.announce(provenPeer(), wantedBlob('new'))).toEqual([])
    expect(it.tracker.metrics.value('shoal_tracker_store_up')).toBe(0)
    await it.server.start()
    await eventually(async () => expect(await it.server.cli('zcard', `p:peers:${wanted.swarmId}`)).toBe('2'))
    await eventually(async () => expect(await it.server.cli('zcard', `p:seeds:${wanted.swarmId}`)).toBe('1'))
    expect(await it.server.count('p:node:*')).toBe(1)
    expect([it.tracker.store.trouble, it.tracker.metrics.value('shoal_tracker_store_up')]).toEqual([undefined, 1])
  })

  test('hangs, an answer waits for 50 ms, and then the tracker takes it for dead', async () => {
    await using it = await own()
    it.server.signal('SIGSTOP')
    expect(await it.tracker.announce(provenPeer(), wantedBlob('hangs'))).toEqual([])
    expect(it.tracker.metrics.value('shoal_tracker_store_loads_total', { outcome: 'late' })).toBe(1)
    await eventually(() => expect(it.tracker.store.trouble).toMatch(/^redis is away/))
    it.server.signal('SIGCONT')
    await eventually(() => expect(it.tracker.store.trouble).toBeUndefined())
  })

  test('has no memory left, nothing is lost but what is written, and it is made up for', async () => {
    await using it = await own()
    const [wanted, other] = [wantedBlob('full'), wantedBlob('before')]
    await it.tracker.announce(provenPeer(), other)
    await written(it.tracker, 1)
    await it.server.cli('config', 'set', 'maxmemory', '1')
    await it.tracker.announce(provenPeer(), wanted)
    await eventually(() => expect(it.tracker.store.trouble).toMatch(/^redis does not take .*OOM/))
    expect(await it.tracker.named(wanted)).toHaveLength(1)
    await using second = await sharingTracker({ redis: { url: it.server.url, prefix: 'p:' } })
    expect(await second.named(other)).toHaveLength(1)
    await it.server.cli('config', 'set', 'maxmemory', '0')
    await it.tracker.announce(provenPeer(), other)
    await eventually(async () => expect(await it.server.cli('zcard', `p:peers:${wanted.swarmId}`)).toBe('1'))
    expect(it.tracker.store.trouble).toBeUndefined()
  })

  test('holds what no tracker wrote, none of it is believed, and it is written over', async () => {
    await using it = await own()
    const { server, tracker } = it
    const [wrong, huge, odd] = [wantedBlob('wrong types'), wantedBlob('huge'), wantedBlob('odd rows')]
    const keys = (of: typeof wrong) => [`p:peers:${of.swarmId}`, `p:seeds:${of.swarmId}`] as const
    for (const key of keys(wrong)) await server.cli('set', key, 'text')
    await server.cli('lpush', `${keys(wrong)[0]}:rows`, 'list')
    const far = '9999999999999'
    const long = 'x'.repeat(100_000)
    const { peerId } = provenPeer()
    for (const key of keys(huge)) await server.cli('zadd', key, far, peerId, 'inf', long)
    await server.cli('hset', `${keys(huge)[0]}:rows`, peerId, long, long, long)
    await server.cli('set', `p:node:${peerId}`, long)
    await server.cli('zadd', keys(odd)[0], far, peerId, far, 'no id')
    await server.cli('hset', `${keys(odd)[0]}:rows`, peerId, '1 10.0.0.1 99999 agent part 5 key x', 'no id', '')
    const sentBytes = async () => Number(/total_net_output_bytes:(\d+)/.exec(await server.cli('info', 'stats'))?.[1])
    for (const blob of [wrong, huge, odd]) {
      const before = await sentBytes()
      expect(await tracker.named(blob)).toEqual([])
      // Most of it is the answer to the questions for the sizes.
      expect((await sentBytes()) - before).toBeLessThan(50_000)
      const [peer, seeder] = [provenPeer(), provenPeer()]
      expect(await tracker.announce(peer, blob)).toEqual([])
      tracker.seed(seeder, { add: [blob] })
      await eventually(async () => {
        expect(await server.cli('hexists', `${keys(blob)[0]}:rows`, peer.peerId)).toBe('1')
        expect(await server.cli('hexists', `${keys(blob)[1]}:rows`, seeder.peerId)).toBe('1')
      })
    }
    expect(tracker.store.trouble).toBeUndefined()
    expect(tracker.registry.peers).toBe(3)
  })
})
