import { describe, expect, test } from '@jest/globals'
import { appError, deferred, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { newPeerId, type PeerId, peerIdOf, type SwarmId } from '../../../../lib/core/index.ts'
import { recordingMetrics } from '../../../../lib/telemetry/index.ts'
import { ownerByKey } from '../../../../services/tracker/owner.ts'
import { peerRegistry } from '../../../../services/tracker/peer-registry.ts'
import type { Reply } from '../../../../services/tracker/peer-store/redis-connection.ts'
import { peerRow, rowName } from '../../../../services/tracker/peer-store/rows.ts'
import type { Call } from '../../../../services/tracker/peer-store/scripts.ts'
import { storeMeters } from '../../../../services/tracker/peer-store/store-meters.ts'
import { swarmLoads } from '../../../../services/tracker/peer-store/swarm-loads.ts'

const random = seededRandom(3)
const swarm = (at: number) => String(at).padStart(40, '0') as SwarmId
const one = swarm(1)

function peer(given: { key?: string; peerId?: PeerId; port?: number; complete?: boolean } = {}) {
  const key = given.key ?? String(random.next())
  const entry = {
    peerId: peerIdOf(key),
    host: '10.0.0.1',
    port: 6881,
    role: 'agent',
    complete: false,
    ...given,
  } as const
  return { ...entry, key: ownerByKey(key) }
}
type Peer = ReturnType<typeof peer>

/** Rows as redis gives them. */
const rows = (peers: readonly Peer[], ttlMs: unknown = 1000) =>
  peers.flatMap((each) => [rowName(each.peerId, each.key), peerRow(each, 5), ttlMs])

/** Loads from a redis that answers when and what the test says. */
function lab({ maxEntries = 999, maxSwarms = 999, maxPeersPerSwarm = 999 } = {}) {
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const seeding = new Set<PeerId>()
  const registry = peerRegistry(
    { clock, random, seeders: () => 0, onEvicted: () => undefined },
    { maxEntries, maxSwarms, maxPeersPerSwarm },
  )
  const redis = {
    isUp: true,
    asked: [] as Call[],
    answer: async (_call: Call): Promise<Reply> => ({ value: [[], []] }),
  }
  const link = {
    get isUp() {
      return redis.isUp
    },
    run(calls: readonly Call[]) {
      redis.asked.push(...calls)
      return Promise.all(calls.map((call) => redis.answer(call)))
    },
  }
  const loads = swarmLoads({
    ...{ clock, link, registry, maxTtlMs: () => 5000, meters: storeMeters(metrics) },
    calls: { load: (id) => ['load', id] },
    seeds: { has: (_id, peerId) => seeding.has(peerId) },
  })
  const answers = (peers: unknown, seeds: unknown = []) => {
    redis.answer = async () => ({ value: [peers, seeds] })
  }
  const ids = () => registry.entries(one).map(({ peerId }) => peerId)
  const count = (outcome: string) => metrics.value('shoal_tracker_store_loads_total', { outcome })
  return { clock, registry, redis, loads, answers, ids, count, seeding }
}

describe('a swarm that the tracker has not heard of', () => {
  test('is loaded before the answer, once for all who ask', async () => {
    const { redis, loads, answers, registry, ids } = lab()
    const [known, seeder] = [peer(), peer({ complete: true })]
    answers(rows([known]), rows([seeder]))
    await Promise.all([loads.ready([one]), loads.ready([one])])
    expect(redis.asked).toEqual([['load', one]])
    expect(ids()).toEqual([known.peerId, seeder.peerId])
    expect(registry.counts(one)).toEqual({ complete: 1, incomplete: 1 })
  })

  test('is known for ten seconds, and as long as its peers announce; after a silence it is loaded anew', async () => {
    const { clock, redis, loads } = lab()
    await loads.ready([one])
    await clock.advance(9_000)
    loads.heard(one, 3_000)
    await clock.advance(2_900)
    expect(loads.ready([one])).toBeUndefined()
    await clock.advance(200)
    await loads.ready([one])
    expect(redis.asked).toHaveLength(2)
  })

  test('keeps an answer waiting for 50 ms; then the load goes on', async () => {
    const { clock, redis, loads, ids, count } = lab()
    const late = deferred<Reply>()
    redis.answer = () => late.promise
    let isReady = false
    const ready = loads.ready([one])?.then(() => {
      isReady = true
    })
    await clock.advance(49)
    expect(isReady).toBe(false)
    await clock.advance(1)
    await ready
    expect([count('late'), count('loaded')]).toEqual([1, 0])
    late.resolve({ value: [rows([peer()]), []] })
    await loads.stop()
    expect([ids().length, count('loaded')]).toEqual([1, 1])
  })

  test('is asked for again when redis failed, and not at all while redis is away', async () => {
    const { redis, loads, count } = lab()
    redis.answer = () => Promise.reject(appError('UNAVAILABLE'))
    await loads.ready([one])
    loads.heard(one, 60_000)
    redis.answer = async () => ({ refused: 'ERR' })
    await loads.ready([one])
    expect([redis.asked.length, count('failed')]).toEqual([2, 2])
    redis.isUp = false
    expect(loads.ready([one])).toBeUndefined()
  })

  test('is one of 16 that are loaded at once, and of 2,000 that wait; the rest is answered without', async () => {
    const { clock, redis, loads, count } = lab()
    const go = deferred<Reply>()
    redis.answer = () => go.promise
    const ready = loads.ready(Array.from({ length: 3000 }, (_, at) => swarm(at)))
    await clock.advance(0)
    expect([redis.asked.length, count('failed')]).toEqual([16, 3000 - 2016])
    go.resolve({ value: [[], []] })
    await ready
    expect([redis.asked.length, count('loaded')]).toEqual([2016, 2016])
  })
})

describe('of what is loaded', () => {
  test('nothing takes the place of what is here', async () => {
    const { loads, answers, registry } = lab()
    const here = peer({ port: 1 })
    registry.announce(one, here, 60_000)
    answers(rows([{ ...here, port: 2 }]))
    await loads.ready([one])
    expect(registry.entries(one).map(({ port }) => port)).toEqual([1])
  })

  test('a peer with a proven id goes before one that has only taken it', async () => {
    const { loads, answers, registry } = lab()
    const owner = peer({ key: 'secret', port: 1 })
    answers(rows([peer({ key: 'guess', peerId: owner.peerId, port: 666 }), owner]))
    await loads.ready([one])
    expect(registry.entries(one).map(({ port }) => port)).toEqual([1])
    expect(registry.announce(one, { ...owner, port: 2 }, 1000)).toBe(true)
    expect(registry.announce(one, peer({ key: 'guess', peerId: owner.peerId }), 1000)).toBe(false)
  })

  test('a node that has announced its blobs here is left out', async () => {
    const { loads, answers, ids, seeding } = lab()
    const node = peer({ complete: true })
    seeding.add(node.peerId)
    answers([], rows([node]))
    await loads.ready([one])
    expect(ids()).toEqual([])
  })

  test('nothing makes others leave: neither entries, nor swarms, nor peers of a swarm', async () => {
    for (const limits of [{ maxEntries: 3 }, { maxPeersPerSwarm: 3 }, { maxSwarms: 1 }]) {
      const { loads, answers, registry } = lab(limits)
      const here = [peer(), peer(), peer()]
      const at = 'maxSwarms' in limits ? swarm(2) : one
      for (const each of here) registry.announce(at, each, 60_000)
      answers(rows([peer(), peer()]))
      await loads.ready([one])
      expect([registry.peers, registry.swarms]).toEqual([3, 1])
    }
  })

  test('100 of each kind are believed, and none for longer than one that announces itself', async () => {
    const { clock, loads, answers, registry } = lab()
    const many = Array.from({ length: 300 }, () => peer())
    const seeders = Array.from({ length: 300 }, () => peer({ complete: true }))
    answers(rows(many, 1e15), rows(seeders, 1e15))
    await loads.ready([one])
    expect(registry.counts(one)).toEqual({ complete: 100, incomplete: 100 })
    await clock.advance(5000)
    expect(registry.counts(one)).toEqual({ complete: 0, incomplete: 0 })
  })

  const good = peer()
  const name = rowName(good.peerId, good.key)
  test.each<readonly [string, unknown]>([
    ['no list', 'text'],
    ['nothing', undefined],
    ['no lists in it', ['text', 5]],
    ['a row without a name', [[undefined, peerRow(good), 1000], []]],
    ['no row', [[name, undefined, 1000], []]],
    ['a row of a later version', [[name, peerRow(good).replace(/^1/, '2'), 1000], []]],
    ['another name than the owner has', [[newPeerId(random), peerRow(good), 1000], []]],
    ['a host that is none', [[name, peerRow({ ...good, host: '1.2.3.4.5' }), 1000], []]],
    ['a host name', [[name, peerRow({ ...good, host: 'example.com' }), 1000], []]],
    ['a port that is none', [[name, peerRow({ ...good, port: 65_536 }), 1000], []]],
    ['a long row', [[name, peerRow(good) + ' '.repeat(100_000), 1000], []]],
    ['no time', [[name, peerRow(good), undefined], []]],
    ['a time that is over', [[name, peerRow(good), -1], []]],
    ['a seeder that has not the whole', [[], [name, peerRow(good), 1000]]],
  ])('%s is not believed', async (_what, value) => {
    const { redis, loads, registry } = lab()
    redis.answer = async () => ({ value })
    await loads.ready([one])
    expect(registry.peers).toBe(0)
  })
})
