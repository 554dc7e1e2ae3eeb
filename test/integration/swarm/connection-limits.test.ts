import { describe, expect, test } from '@jest/globals'
import { Bitset, deferred } from '../../../lib/base/index.ts'
import { newPeerId, parseRepository, swarmIdOf } from '../../../lib/core/index.ts'
import { swarmLimits } from '../../../lib/swarm/index.ts'
import { acceptPeers, dialPeer } from '../../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { recorder } from '../../kit/peer-pair.ts'
import { type SwarmBlob, swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, putBlob, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024

/** The largest number of connections, or of links, of a node while `work` went on. */
async function most(
  what: 'connections' | 'links',
  { lab, node }: { readonly lab: SwarmLab; readonly node: LabNode },
  work: Promise<unknown>,
): Promise<number> {
  let count = 0
  const state = { isOver: false }
  const over = work.finally(() => {
    state.isOver = true
  })
  over.catch(() => undefined)
  while (!state.isOver && lab.clock.monotonicMs() < 120_000) {
    await lab.clock.advance(5)
    count = Math.max(count, node.metrics.value(`shoal_swarm_${what}`))
  }
  await over
  return count
}

async function agents(lab: SwarmLab, count: number): Promise<readonly LabNode[]> {
  const nodes: LabNode[] = []
  for (let i = 0; i < count; i += 1) nodes.push(await lab.agent())
  return nodes
}

const pullAll = (nodes: readonly LabNode[], blobs: readonly SwarmBlob[]) =>
  Promise.all(nodes.flatMap((node) => blobs.map(async (blob) => Buffer.compare(await node.pull(blob), blob.bytes))))

describe('an origin that more peers want than it may have', () => {
  test('takes the hard limit of one blob, and everybody gets the blob', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    const limits = { maxConnectionsPerTorrentHard: 3 }
    const origin = await lab.origin({ limits, uploadBytesPerSecond: 4 * MIB })
    const pulls = pullAll(await agents(lab, 6), [blob])
    expect(await most('connections', { lab, node: origin }, pulls)).toBe(3)
    expect(new Set(await pulls)).toEqual(new Set([0]))
  })

  test('takes the limit of the process over all its blobs, and everybody gets all of them', async () => {
    const blobs = [swarmBlob(1, 4 * MIB), swarmBlob(2, 4 * MIB), swarmBlob(3, 4 * MIB)]
    await using lab = swarmLab(blobs)
    const origin = await lab.origin({ limits: { maxConnections: 4 }, uploadBytesPerSecond: 4 * MIB })
    const pulls = pullAll(await agents(lab, 6), blobs)
    expect(await most('links', { lab, node: origin }, pulls)).toBe(4)
    expect(new Set(await pulls)).toEqual(new Set([0]))
  })

  test('takes fewer of one blob from the moment on that somebody sets it', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    const origin = await lab.origin({ uploadBytesPerSecond: 4 * MIB })
    origin.engine.limits.set({ blobConnections: 2 })
    const pulls = pullAll(await agents(lab, 6), [blob])
    expect(await most('connections', { lab, node: origin }, pulls)).toBe(3)
    expect(new Set(await pulls)).toEqual(new Set([0]))
  })

  test('closes links that nobody uses when it may have fewer', async () => {
    const blob = swarmBlob(1, MIB)
    await using lab = swarmLab([blob])
    const origin = await lab.origin()
    await lab.run(pullAll(await agents(lab, 5), [blob]))
    const links = () => origin.metrics.value('shoal_swarm_links')
    const before = links()
    origin.engine.limits.set({ connections: 1 })
    await lab.clock.advance(swarmLimits.idleSeedMs)
    expect([before, links() <= 1]).toEqual([5, true])
  })

  test('rejects blocks beyond its queue, and everybody gets the blob', async () => {
    const blob = swarmBlob(1, 4 * MIB)
    await using lab = swarmLab([blob])
    const limits = { uploadQueueBytes: 512 * 1024 }
    const origin = await lab.origin({ limits, uploadBytesPerSecond: 4 * MIB })
    expect(new Set(await lab.run(pullAll(await agents(lab, 3), [blob])))).toEqual(new Set([0]))
    expect(origin.sentToPeers).toBeGreaterThan(0)
  })
})

test('torrents of the same nodes share a link, and one link is enough for all layers of an image', async () => {
  const blobs = [swarmBlob(1, 4 * MIB), swarmBlob(2, 4 * MIB), swarmBlob(3, 4 * MIB), swarmBlob(4, 4 * MIB)]
  await using lab = swarmLab(blobs)
  const origin = await lab.origin({ limits: { maxConnections: 1 }, uploadBytesPerSecond: 16 * MIB })
  const agent = await lab.agent({ limits: { maxConnections: 1 } })
  const pulls = pullAll([agent], blobs)
  expect(await most('links', { lab, node: origin }, pulls)).toBe(1)
  expect(new Set(await pulls)).toEqual(new Set([0]))
  expect([agent.received.origin, lab.sources.piecesSent]).toEqual([16 * MIB, 0])
})

describe('an agent that may have one connection', () => {
  test('keeps one of the connections that it dials and accepts at once, and the pull completes', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    await lab.origin({ uploadBytesPerSecond: 8 * MIB })
    const agent = await lab.agent({ limits: { maxConnections: 1 } })
    const others = await agents(lab, 3)
    // While the node has no header, others dial it; with the header it dials too.
    const header = deferred()
    lab.sources.answerMetainfo(() => [header.promise, ...blob.records])
    const own = pullAll([agent], [blob])
    await lab.clock.advance(200)
    lab.sources.answerMetainfo(undefined)
    const pulls = Promise.all([own, pullAll(others, [blob])])
    await lab.clock.advance(200)
    header.resolve()
    expect(await most('links', { lab, node: agent }, pulls)).toBe(1)
    expect(new Set((await pulls).flat())).toEqual(new Set([0]))
  })
})

test('a peer that is full is dialled less and less often', async () => {
  const blob = swarmBlob(1, 8 * MIB)
  await using lab = swarmLab([blob])
  await lab.origin({ uploadBytesPerSecond: MIB / 8 })
  const address = { host: '10.0.0.99', port: 7 }
  const self = { peerId: newPeerId(lab.random), role: 'agent', listenPort: address.port } as const
  let dials = 0
  const full = acceptPeers(
    { clock: lab.clock, logger: silentLogger() },
    {
      self,
      admit: () =>
        Promise.resolve({ digest: blob.digest, length: blob.bytes.length, pieceLength: blob.map.pieceLength }),
      onPeer: (_, connection) => {
        dials += 1
        connection.close()
      },
    },
  )
  const listener = await lab.network.host(address.host).listen(address, full.accept)
  const entry = { digest: blob.digest, repository: parseRepository('lab'), swarmId: swarmIdOf(blob.digest) }
  const said = { event: 'started', leftBytes: 0, wantPeers: 0, reports: [] } as const
  await lab.tracker.announcer.announce({ ...self, ...address }, [{ ...entry, ...said }])
  const agent = await lab.agent()
  expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
  expect(lab.clock.monotonicMs()).toBeGreaterThan(50_000)
  expect(dials).toBeGreaterThan(2)
  expect(dials).toBeLessThan(12)
  await listener.close()
  await full.stop()
})

describe('a full peer', () => {
  test('names others, and the one that it turns away finds them', async () => {
    const blob = swarmBlob(1, 8 * MIB)
    await using lab = swarmLab([blob])
    // No tracker will ever name this one.
    lab.tracker.alive = false
    const hidden = await lab.agent()
    await putBlob(hidden.store, blob)
    hidden.engine.seed({ digest: blob.digest, repository: parseRepository('lab') }, blob.bytes.length)
    await lab.clock.advance(10)
    lab.tracker.alive = true
    const full = await lab.agent({ limits: { maxConnectionsPerTorrentHard: 1 } })
    await putBlob(full.store, blob)
    full.engine.seed({ digest: blob.digest, repository: parseRepository('lab') }, blob.bytes.length)
    await lab.clock.advance(50)
    const transport = lab.network.host('10.0.0.88')
    const target = { swarmId: swarmIdOf(blob.digest), header: blob.header }
    const self = { peerId: hidden.peerId, role: 'agent', listenPort: hidden.engine.address.port } as const
    // It takes the only place, and says where `hidden` listens.
    const place = await dialPeer(
      { clock: lab.clock, logger: silentLogger(), transport: lab.network.host(hidden.host) },
      { ...target, self, address: full.engine.address },
    )
    place.attach(recorder())
    place.sendBitfield(Bitset.from(blob.map.count, Uint8Array.of(0x80)))
    await lab.clock.advance(10)
    const agent = await lab.agent()
    const startMs = lab.clock.monotonicMs()
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(lab.clock.monotonicMs() - startMs).toBeLessThan(1_000)
    expect([agent.received.peer, lab.sources.piecesSent]).toEqual([blob.bytes.length, 0])

    const late = await dialPeer(
      { clock: lab.clock, logger: silentLogger(), transport },
      { ...target, self: { ...self, peerId: newPeerId(lab.random) }, address: full.engine.address },
    )
    const events = recorder()
    late.attach(events)
    await lab.clock.advance(10)
    expect(events.log).toEqual([`busy ${hidden.host}:${self.listenPort}`])
    await lab.clock.advance(swarmLimits.turnAwayMs)
    expect(await events.closed).toBe('PEER_CLOSED')
    place.close()
  })
})
