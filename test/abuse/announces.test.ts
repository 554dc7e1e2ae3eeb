import { connect, type Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { type AnnouncingPeer, announceLimits, type TrackerClient, trackerClient } from '../../lib/api/index.ts'
import { fakeClock, seededRandom } from '../../lib/base/index.ts'
import { type Digest, digestOf, parseRepository, peerIdOf, type SwarmId, swarmIdOf } from '../../lib/core/index.ts'
import { recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import { trackerService } from '../../services/tracker/index.ts'
import { eventually } from '../kit/eventually.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { disposableHttp } from '../kit/scripted-server.ts'
import { trackerConfig } from '../kit/tracker-config.ts'

/** Somebody who may announce floods a tracker, or speaks in another's name. */

const MIB = 2 ** 20
const repository = parseRepository('team/x')
const random = seededRandom(7)

function peer(
  key = Buffer.from(random.bytes(12)).toString('hex'),
  given: Partial<AnnouncingPeer> = {},
): AnnouncingPeer {
  return { peerId: peerIdOf(key), key, port: 1024 + Math.floor(random.next() * 60_000), role: 'agent', ...given }
}

const blobOf = (name: string) => {
  const digest: Digest = digestOf(Buffer.from(name))
  return { digest, swarmId: swarmIdOf(digest) }
}
const blobs = (name: string, count: number) => Array.from({ length: count }, (_, i) => blobOf(`${name} ${i}`))
const download = (of: { digest: Digest; swarmId: SwarmId }, leftBytes = 100) =>
  ({ ...of, repository, event: 'started', leftBytes, wantPeers: 50, reports: [] }) as const

function tracker(settings: object = {}) {
  return buildResource(async (stack) => {
    const clock = fakeClock()
    const metrics = recordingMetrics()
    const config = await trackerConfig(stack, settings)
    const service = trackerService({ clock, metrics, logger: silentLogger(), random: seededRandom(2) }, config)
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    const http = stack.own(disposableHttp())
    const api: TrackerClient = trackerClient(http, service.url)
    const named = async (of: { digest: Digest; swarmId: SwarmId }, asker = peer()) => {
      const [answer] = await api.announce({ peer: asker, torrents: [download(of)] })
      return answer?.peers.map(({ peerId }) => peerId)
    }
    return { clock, metrics, api, named, url: service.url }
  })
}

test('a flood of random digests stays within the total, and leaves the swarms that are real', async () => {
  await using it = await tracker({ swarms: { max: 800, maxEntries: 1000 } })
  const [seeded, shared] = [blobs('seeded', 100), blobs('shared', 100)]
  const [origin, readers] = [peer('o', { role: 'origin' }), [peer('a'), peer('b')]]
  await it.api.announceSeeds(origin, { sequence: 1, remove: [], add: seeded.map(({ swarmId }) => swarmId) })
  await it.api.announce({ peer: peer('a'), torrents: seeded.map((each) => download(each)) })
  for (const each of readers) await it.api.announce({ peer: each, torrents: shared.map((blob) => download(blob)) })
  for (let i = 0; i < 40; i += 1) {
    await it.api.announce({ peer: peer(), torrents: blobs(`flood ${i}`, 500).map((blob) => download(blob)) })
  }
  expect(it.metrics.value('shoal_tracker_peers')).toBeLessThanOrEqual(1000)
  expect(it.metrics.value('shoal_tracker_swarms')).toBeLessThanOrEqual(800)
  expect(it.metrics.value('shoal_tracker_evicted_total', { kind: 'swarm' })).toBeGreaterThan(10_000)
  const asker = peer()
  for (const each of seeded) expect(await it.named(each, asker)).toEqual(expect.arrayContaining([peerIdOf('a')]))
  for (const each of shared) expect(await it.named(each, asker)).toEqual(expect.arrayContaining([peerIdOf('b')]))
})

test('who may only read announces in no protocol', async () => {
  await using it = await tracker({ secrets: { node: 'a-secret-of-the-nodes' }, anonymous: 'read' })
  const of = blobOf('some')
  const query = `info_hash=${of.swarmId.replace(/../g, '%$&')}&peer_id=${'b'.repeat(20)}&port=6881&left=100&compact=1`
  expect((await fetch(`${it.url}/announce?${query}`)).status).toBe(401)
  await expect(it.named(of)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  const metainfo = await fetch(`${it.url}/namespace/team%2Fx/blobs/${of.digest}/metainfo`)
  expect(metainfo.status).not.toBe(401)
})

test('a flood of nodes with seeds stays within the totals, and leaves the origins', async () => {
  await using it = await tracker({ seeds: { maxNodes: 100, maxSwarms: 2000 } })
  const [ours] = [blobs('ours', 500)]
  const add = ours.map(({ swarmId }) => swarmId)
  await it.api.announceSeeds(peer('o', { role: 'origin' }), { sequence: 1, remove: [], add })
  for (let i = 0; i < 300; i += 1) {
    const theirs = blobs(`node ${i}`, 50).map(({ swarmId }) => swarmId)
    await it.api.announceSeeds(peer(), { sequence: 1, remove: [], add: theirs })
  }
  expect(it.metrics.value('shoal_tracker_nodes')).toBeLessThanOrEqual(100)
  expect(it.metrics.value('shoal_tracker_seeded_swarms')).toBeLessThanOrEqual(2000)
  expect(it.metrics.value('shoal_tracker_evicted_total', { kind: 'node' })).toBeGreaterThan(200)
  for (const each of ours.slice(0, 20)) expect(await it.named(each)).toContain(peerIdOf('o'))
})

const open = (url: string, bytes: number): Socket => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  const head = `POST /announce HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${bytes + 1}\r\n\r\n`
  socket.write(head)
  socket.write(Buffer.alloc(bytes, 0x20))
  return socket
}

test('bodies that never end hold a bounded part of the memory for a bounded time', async () => {
  await using it = await tracker()
  const held = () => it.metrics.value('shoal_http_body_bytes', { listener: 'http' })
  const most = { bytes: 0 }
  const sockets = Array.from({ length: 60 }, () => open(it.url, announceLimits.maxBodyBytes - MIB / 4))
  try {
    await eventually(async () => {
      most.bytes = Math.max(most.bytes, held())
      expect(it.metrics.value('shoal_http_bodies_refused_total', { listener: 'http', why: 'full' })).toBeGreaterThan(20)
    })
    expect(Math.max(most.bytes, held())).toBeLessThanOrEqual(64 * MIB)
    expect(await it.named(blobOf('meanwhile'))).toEqual([])
    await it.clock.advance(120_000)
    await eventually(async () => expect(held()).toBe(0))
    expect(it.metrics.value('shoal_http_bodies_refused_total', { listener: 'http', why: 'late' })).toBeGreaterThan(0)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

test.each(['announce', 'begin', 'seeds'] as const)(
  'nobody takes the peer id of another by %s, sooner or later',
  async (how) => {
    await using it = await tracker()
    const [blob, owner] = [blobOf('taken'), peer('secret')]
    const thief: AnnouncingPeer = { ...owner, key: 'guess', port: 666 }
    const say = async (who: AnnouncingPeer, sequence: number) => {
      if (how === 'announce') await it.api.announce({ peer: who, torrents: [download(blob)] })
      else if (how === 'seeds') await it.api.announceSeeds(who, { sequence, remove: [], add: [blob.swarmId] })
      else {
        const asker = { peer: who, wantPeers: 5 }
        await it.api.openMetainfo(repository, blob.digest, { asker }).then(
          (body) => body.destroy(),
          () => undefined,
        )
        await it.api.announce({ peer: who, torrents: [download(blob)] })
      }
    }
    const ports = async () => {
      const [answer] = await it.api.announce({ peer: peer(), torrents: [download(blob)] })
      return answer?.peers.filter(({ peerId }) => peerId === owner.peerId).map(({ port }) => port)
    }
    await say(thief, 9)
    await say(owner, 1)
    expect(await ports()).toEqual([owner.port])
    await say(thief, 10)
    expect(await ports()).toEqual([owner.port])
  },
)

test('whoever names the address of another does not put him out', async () => {
  await using it = await tracker()
  const [blob, one, two] = [blobOf('address'), peer('one'), peer('two')]
  await it.api.announce({ peer: one, torrents: [download(blob)] })
  await it.api.announce({ peer: { ...two, port: one.port }, torrents: [download(blob)] })
  expect(await it.named(blob)).toEqual(expect.arrayContaining([one.peerId]))
  await it.api.announceSeeds(one, { sequence: 1, remove: [], add: [blob.swarmId] })
  await it.api.announceSeeds({ ...two, port: one.port }, { sequence: 1, remove: [], add: [blob.swarmId] })
  expect(await it.named(blob)).toEqual(expect.arrayContaining([one.peerId]))
})

const labelsOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, '']))

test.each([
  ['6 MB of labels', 500_000, 413, 'BODY_TOO_LARGE'],
  ['as many labels as a body has room for', 140_000, 400, 'too many values'],
  ['more labels than a peer may have', 65, 400, 'at most 64 keys'],
  ['as many labels as a peer may have', 64, 200, 'torrents'],
])('%s: %i are answered with %i', async (_, count, status, text) => {
  await using it = await tracker()
  const body = JSON.stringify({ peer: peer('l', { labels: labelsOf(count) }), torrents: [] })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${it.url}/announce`, { method: 'POST', headers, body })
  expect({ status: answer.status, text: await answer.text() }).toEqual({ status, text: expect.stringContaining(text) })
})

test('a node cannot say at which other addresses it is reached: only a member of the services may', async () => {
  const [node, service] = ['of-all-nodes-0123456789', 'of-all-services-012345']
  await using it = await tracker({ secrets: { node, service } })
  const [victim, of] = [{ host: '203.0.113.9', port: 443 }, blobOf('named')]
  const liar = peer('liar', { addresses: { user: victim } })
  const post = (secret: string, path: string, body: object) =>
    fetch(it.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify(body),
    })
  const torrents = [{ ...download(of), repository: 'team/x' }]
  const asked = async (secret: string) => [
    (await post(secret, '/announce', { peer: liar, torrents })).status,
    (await post(secret, `/namespace/team%2Fx/blobs/${of.digest}/metainfo`, { peer: liar, wantPeers: 9 })).status,
  ]
  expect(await asked(node)).toEqual([403, 403])
  const plain = await post(node, '/announce', { peer: peer('asker', { network: 'user' }), torrents })
  expect(JSON.stringify(await plain.json())).not.toContain(victim.host)
  expect((await asked(service))[0]).toBe(200)
})
