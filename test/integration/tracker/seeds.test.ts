import { describe, expect, test } from '@jest/globals'
import { type AnnouncingPeer, announceLimits, trackerCluster } from '../../../lib/api/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, newPeerId, parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { trackerService } from '../../../services/tracker/index.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { trackerConfig } from '../../kit/tracker-config.ts'

const repository = parseRepository('library/nginx')
const random = seededRandom(1)

function peer(given: Partial<AnnouncingPeer> = {}): AnnouncingPeer {
  return {
    peerId: newPeerId(random),
    key: 'k',
    port: 1024 + Math.floor(random.next() * 60_000),
    role: 'agent',
    ...given,
  }
}

function blob(name: string) {
  const digest = digestOf(Buffer.from(name))
  return { digest, swarmId: swarmIdOf(digest) }
}

const download = (of: ReturnType<typeof blob>, given: { leftBytes?: number; event?: 'stopped' | 'completed' } = {}) =>
  ({ ...of, repository, event: 'started', leftBytes: 100, wantPeers: 50, reports: [], ...given }) as const
const has = (of: ReturnType<typeof blob>, seeded = true) => ({ swarmId: of.swarmId, seeded })

/** Two trackers, and clients for several nodes; each node has its own view of them. */
function trackers() {
  return buildResource(async (stack) => {
    const clock = fakeClock()
    const start = async (bind = '127.0.0.1:auto') => {
      const metrics = recordingMetrics()
      const config = await trackerConfig(stack, { http: { bind } })
      const service = trackerService({ clock, metrics, logger: silentLogger(), random: seededRandom(2) }, config)
      await service.start()
      return { service, metrics, [Symbol.asyncDispose]: () => service.stop() }
    }
    const running = [stack.own(await start()), stack.own(await start())]
    const http = stack.own(disposableHttp())
    const members = running.map(({ service }, i) => ({ id: `t${i}`, url: service.url }))
    const node = () => trackerCluster({ http, cluster: clusterOf(members, { clock }), logger: silentLogger() })
    const asker = { api: node(), peer: peer() }
    const seedersOf = async (of: ReturnType<typeof blob>) => {
      const [answer] = await asker.api.announce(asker.peer, [download(of)])
      return answer?.peers.map(({ peerId, complete }) => ({ peerId, complete }))
    }
    const restart = async (i: number) => {
      const before = running[i]
      const address = new URL(members[i]?.url ?? '').host
      await before?.service.stop()
      running[i] = stack.own(await start(address))
    }
    const total = (name: string) => running.reduce((sum, { metrics }) => sum + metrics.value(name), 0)
    return { running, http, clock, node, seedersOf, restart, total, urls: members.map(({ url }) => url) }
  })
}

const blobs = Array.from({ length: 40 }, (_, i) => blob(`blob ${i}`))
const first = blobs[0] as (typeof blobs)[number]

describe('seeds over HTTP', () => {
  test('are told once and named until they are gone', async () => {
    await using it = await trackers()
    const [api, seeder] = [it.node(), peer()]
    const told = await api.tellSeeds(
      seeder,
      blobs.map((each) => has(each)),
    )
    expect(told).toEqual({ told: true, intervalMs: expect.any(Number) })
    expect(await it.seedersOf(first)).toEqual([{ peerId: seeder.peerId, complete: true }])
    await api.tellSeeds(seeder, [has(first, false)])
    expect(await it.seedersOf(first)).toEqual([])
    expect([it.total('shoal_tracker_seeds'), it.total('shoal_tracker_nodes')]).toEqual([39, 2])
  })

  test('of a node that is silent for two and a half intervals are not named, of one that says it is alive are', async () => {
    await using it = await trackers()
    const [gone, alive] = [peer(), peer()]
    const api = it.node()
    const { intervalMs = 0 } = await it.node().tellSeeds(gone, [has(first)])
    await api.tellSeeds(alive, [has(first)])
    await it.clock.advance(intervalMs * 2)
    await api.tellSeeds(alive, [])
    await it.clock.advance(intervalMs)
    expect(await it.seedersOf(first)).toEqual([{ peerId: alive.peerId, complete: true }])
  })

  test('a node that has nothing is known to one tracker, to the other one while that is away, and then to that of its seeds', async () => {
    await using it = await trackers()
    const [api, node] = [it.node(), peer()]
    const nodes = () => it.running.map(({ metrics }) => metrics.value('shoal_tracker_nodes'))
    expect(await api.tellSeeds(node, [])).toEqual({ told: true, intervalMs: expect.any(Number) })
    expect(nodes().toSorted()).toEqual([0, 1])
    const home = nodes().indexOf(1)
    await it.running[home]?.service.stop()
    await api.tellSeeds(node, [])
    await api.tellSeeds(node, [])
    expect(nodes()[1 - home]).toBe(1)
    await api.tellSeeds(node, [has(first)])
    expect(await it.seedersOf(first)).toEqual([{ peerId: node.peerId, complete: true }])
  })

  test('a completed download becomes a seed, and a seed that is pulled again a download', async () => {
    await using it = await trackers()
    const [api, node] = [it.node(), peer()]
    await api.announce(node, [download(first)])
    expect(await it.seedersOf(first)).toEqual([{ peerId: node.peerId, complete: false }])
    await Promise.all([
      api.tellSeeds(node, [has(first)]),
      api.announce(node, [download(first, { leftBytes: 0, event: 'completed' })]),
    ])
    expect(await it.seedersOf(first)).toEqual([{ peerId: node.peerId, complete: true }])
    expect(it.total('shoal_tracker_peers')).toBe(1)
    await api.announce(node, [download(first)])
    expect(await it.seedersOf(first)).toEqual([{ peerId: node.peerId, complete: false }])
  })

  test('a tracker that was started anew is told everything with the next sign of life', async () => {
    await using it = await trackers()
    const [api, seeder] = [it.node(), peer()]
    await api.tellSeeds(
      seeder,
      blobs.map((each) => has(each)),
    )
    await it.restart(0)
    await it.restart(1)
    expect(await it.seedersOf(first)).toEqual([])
    expect(await api.tellSeeds(seeder, [])).toMatchObject({ told: true })
    for (const each of blobs) expect(await it.seedersOf(each)).toEqual([{ peerId: seeder.peerId, complete: true }])
  })

  test('the seeds of a dead tracker are told to the next one at once, and come back with it', async () => {
    await using it = await trackers()
    const [api, seeder] = [it.node(), peer()]
    await api.tellSeeds(
      seeder,
      blobs.map((each) => has(each)),
    )
    await it.running[0]?.service.stop()
    expect(await api.tellSeeds(seeder, [])).toMatchObject({ told: false })
    expect(it.running[1]?.metrics.value('shoal_tracker_seeds')).toBe(40)
    for (const each of blobs) expect(await it.seedersOf(each)).toEqual([{ peerId: seeder.peerId, complete: true }])
    await it.restart(0)
    await it.clock.advance(6_000)
    expect(await api.tellSeeds(seeder, [])).toMatchObject({ told: true })
    const sizes = it.running.map(({ metrics }) => metrics.value('shoal_tracker_seeds'))
    expect(sizes[0]).toBeGreaterThan(0)
    expect((sizes[0] ?? 0) + (sizes[1] ?? 0)).toBe(40)
  })

  test('a download that finds its tracker dead takes the seeds to the next one as well', async () => {
    await using it = await trackers()
    const [api, seeder] = [it.node(), peer()]
    await api.tellSeeds(
      seeder,
      blobs.map((each) => has(each)),
    )
    await it.running[0]?.service.stop()
    const downloads = Array.from({ length: 20 }, (_, i) => download(blob(`download ${i}`)))
    expect(await api.announce(seeder, downloads)).toHaveLength(20)
    expect(it.running[1]?.metrics.value('shoal_tracker_seeds')).toBe(40)
  })

  const ids = (count: number) => Buffer.alloc(20 * count, 7).toString('base64')
  test.each<readonly [string, unknown]>([
    ['half an id', { sequence: 1, remove: '', add: Buffer.alloc(30).toString('base64') }],
    ['something else than base64', { sequence: 1, remove: '', add: '%%%%' }],
    ['base64 that is not in its only form', { sequence: 1, remove: '', add: ` ${ids(1)}` }],
    ['too many ids', { sequence: 1, remove: '', add: ids(announceLimits.maxSeedChanges + 3) }],
    ['no sequence', { remove: '', add: '' }],
    ['a sequence that is none', { sequence: 1.5, remove: '', add: '' }],
    ['a negative base', { base: -1, sequence: 1, remove: '', add: '' }],
    ['a list', []],
  ])('with %s are refused', async (_name, seeds) => {
    await using it = await trackers()
    const body = Buffer.from(JSON.stringify({ peer: peer(), torrents: [], seeds }))
    const headers = { 'content-type': 'application/json' }
    const response = await it.http.request({ method: 'POST', url: `${it.urls[0]}/announce`, headers, body })
    expect(response.status).toBe(400)
    expect(await response.json(10_000)).toMatchObject({ error: { code: 'BODY_INVALID' } })
    expect(it.total('shoal_tracker_nodes')).toBe(0)
  })
})
