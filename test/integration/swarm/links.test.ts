import { describe, expect, test } from '@jest/globals'
import { appError, Bitset, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type SwarmId, swarmIdOf } from '../../../lib/core/index.ts'
import { swarmLimits } from '../../../lib/swarm/limits.ts'
import { memoryNetwork, type PeerConnection, tcpTransport } from '../../../lib/swarm/peer/index.ts'
import { fetchBlock } from '../../kit/fetch-block.ts'
import { holdingFlushes, type LinkNode, type LinkNodeInit, linkNode } from '../../kit/link-node.ts'
import { type BlobFixture, blobFixture } from '../../kit/metainfo-fixture.ts'
import { recorder, serving } from '../../kit/peer-pair.ts'

const blobs = Array.from({ length: 5 }, (_, at) => blobFixture(300_000 + at * 70_000, seededRandom(at + 1)))
const [first, second] = blobs as [BlobFixture, BlobFixture]
const blobOf = (id: SwarmId) => blobs.find(({ header }) => swarmIdOf(header.digest) === id) ?? first

/** Gives everything to whoever comes. */
function giver(): Pick<LinkNodeInit, 'onPeer'> & { readonly peers: PeerConnection[] } {
  const peers: PeerConnection[] = []
  return {
    peers,
    onPeer(id, connection) {
      const blob = blobOf(id)
      peers.push(connection)
      connection.attach(serving(() => connection, blob))
      connection.sendBitfield(Bitset.full(blob.map.count))
      connection.sendChoke(false)
    },
  }
}

/** Connects and gets the whole blob. */
async function fetchAll(from: LinkNode, to: LinkNode, blob: BlobFixture): Promise<PeerConnection> {
  const { map, bytes } = blob
  const connection = await from.connect(to, blob)
  const events = recorder()
  connection.attach(events)
  await events.until('unchoke')
  const whole = Buffer.alloc(map.length)
  const blocks = []
  for (let at = 0, length = 0; at < map.length; at += length) {
    const piece = map.pieceAt(at)
    const { start, end } = map.rangeOf(piece)
    length = Math.min(100_000, end - at)
    blocks.push(fetchBlock(connection, { piece, offset: at - start, length }, whole.subarray(at, at + length)))
  }
  await Promise.all(blocks)
  expect(whole.equals(bytes)).toBe(true)
  return connection
}

async function twoNodes(kind: 'tcp' | 'memory', init: Partial<LinkNodeInit> = {}) {
  const clock = fakeClock()
  const network = memoryNetwork()
  const [host, other] = kind === 'tcp' ? ['127.0.0.1', '127.0.0.1'] : ['10.0.0.1', '10.0.0.2']
  const transport = (of: string) => (kind === 'tcp' ? tcpTransport({ clock }) : network.host(of))
  const gives = giver()
  const asks = giver()
  const origin = await linkNode({ clock, transport: transport(host), host, seed: 1, blobs, ...gives, ...init })
  const agent = await linkNode({ clock, transport: transport(other), host: other, seed: 2, blobs, ...asks })
  return {
    ...{ clock, network, origin, agent, gives, asks },
    async [Symbol.asyncDispose]() {
      for (const peer of [...gives.peers, ...asks.peers]) peer.close()
      await clock.advance(0)
      await agent[Symbol.asyncDispose]()
      await origin[Symbol.asyncDispose]()
    },
  }
}

const close = async (
  connections: readonly PeerConnection[],
  of: { readonly clock: { advance(ms: number): Promise<void> } },
) => {
  for (const connection of connections) connection.close()
  for (let turn = 0; turn < 20; turn += 1) await of.clock.advance(0)
}

describe('two nodes', () => {
  test('share one socket among four torrents over TCP, and the next image needs no dial', async () => {
    await using nodes = await twoNodes('tcp')
    const { origin, agent } = nodes
    const layers = blobs.slice(0, 4)
    const connections = await Promise.all(layers.map((blob) => fetchAll(agent, origin, blob)))
    expect([origin.accepted, origin.links, agent.count.links]).toEqual([1, 1, 1])
    await close(connections, nodes)
    expect([agent.count.links, agent.links]).toEqual([0, 1])
    await fetchAll(agent, origin, blobs[4] ?? first)
    // The other way round, too.
    await fetchAll(origin, agent, second)
    expect([origin.accepted, agent.accepted]).toEqual([1, 0])
  })

  test('keep an idle link for a while, and then no longer', async () => {
    await using nodes = await twoNodes('memory')
    const { origin, agent, clock } = nodes
    await close([await fetchAll(agent, origin, first)], nodes)
    await clock.advance(swarmLimits.linkIdleMs - 1)
    expect([agent.links, origin.links]).toEqual([1, 1])
    await clock.advance(2)
    expect([agent.links, origin.links]).toEqual([0, 0])
    await fetchAll(agent, origin, first)
    expect(origin.accepted).toBe(2)
  })

  test('dial for each torrent when one of them shares no links', async () => {
    await using nodes = await twoNodes('memory', { shares: false })
    const { origin, agent } = nodes
    const connections = await Promise.all(blobs.map((blob) => fetchAll(agent, origin, blob)))
    expect(origin.accepted).toBe(5)
    await close(connections, nodes)
    expect(agent.links).toBe(0)
  })

  test('that dial each other at once lose no torrent, and go on with one link', async () => {
    await using nodes = await twoNodes('memory')
    const { origin, agent } = nodes
    const both = await Promise.all([fetchAll(agent, origin, first), fetchAll(origin, agent, second)])
    expect([origin.accepted, agent.accepted]).toEqual([1, 1])
    const [third, fourth] = [blobs[2] ?? first, blobs[3] ?? first]
    const more = await Promise.all([fetchAll(agent, origin, third), fetchAll(origin, agent, fourth)])
    await close([...both, ...more], nodes)
    expect([origin.accepted, agent.accepted, origin.links, agent.links]).toEqual([1, 1, 1, 1])
  })

  test('end all torrents with the link when one of them is closed for a reason', async () => {
    await using nodes = await twoNodes('memory')
    const { origin, agent, clock } = nodes
    const one = await fetchAll(agent, origin, first)
    const two = await agent.connect(origin, second)
    const events = recorder()
    two.attach(events)
    one.close(appError('PEER_BANNED'))
    expect(await events.closed).toBe('PEER_BANNED')
    await clock.advance(0)
    expect(agent.links).toBe(0)
  })
})

describe('a node', () => {
  test('refuses a swarm that it does not know, and keeps the link', async () => {
    await using nodes = await twoNodes('memory', { blobs: [first] })
    const { origin, agent } = nodes
    await fetchAll(agent, origin, first)
    await expect(agent.connect(origin, second)).rejects.toMatchObject({ code: 'WIRE_HANDSHAKE_FAILED' })
    expect([origin.accepted, origin.links]).toEqual([1, 1])
  })

  test('refuses a torrent that it has no room for with PEER_LIMIT, and keeps the link', async () => {
    const gives = giver()
    const onPeer: LinkNodeInit['onPeer'] = (id, connection) =>
      id === swarmIdOf(second.header.digest) ? connection.close() : gives.onPeer(id, connection)
    await using nodes = await twoNodes('memory', { onPeer })
    const { origin, agent } = nodes
    await fetchAll(agent, origin, first)
    await expect(agent.connect(origin, second)).rejects.toMatchObject({ code: 'PEER_LIMIT' })
    expect([origin.accepted, origin.links]).toEqual([1, 1])
    await close(gives.peers, nodes)
  })

  test('gives up a torrent that the other one does not answer for, and takes what comes late for nothing', async () => {
    let answer: () => void = () => undefined
    const asked = new Promise<void>((resolve) => {
      answer = resolve
    })
    await using nodes = await twoNodes('memory', {
      onPeer: (id, connection) => {
        if (id === swarmIdOf(second.header.digest)) void asked.then(() => nodes.gives.onPeer(id, connection))
        else nodes.gives.onPeer(id, connection)
      },
    })
    const { origin, agent, clock } = nodes
    await fetchAll(agent, origin, first)
    const left = new AbortController()
    const refused = expect(agent.connect(origin, second, left.signal)).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(0)
    answer()
    left.abort()
    await refused
    await clock.advance(10)
    await fetchAll(agent, origin, blobs[2] ?? first)
    expect(origin.accepted).toBe(1)
  })

  test('that may have no more links closes idle ones first', async () => {
    await using nodes = await twoNodes('memory', { maxLinks: 1 })
    const { origin, agent, clock, network, gives } = nodes
    await close([await fetchAll(agent, origin, first)], nodes)
    await using third = await linkNode({
      clock,
      transport: network.host('10.0.0.3'),
      host: '10.0.0.3',
      seed: 3,
      blobs,
      ...giver(),
    })
    const connection = await fetchAll(third, origin, first)
    await clock.advance(0)
    expect([origin.links, agent.links]).toEqual([1, 0])
    await close([connection, ...gives.peers], nodes)
  })

  test('lets go of the bytes of a block only when they have left, also when their torrent is closed before', async () => {
    const clock = fakeClock()
    const network = memoryNetwork()
    const held = holdingFlushes(network.host('10.0.0.1'))
    let peer: PeerConnection | undefined
    const onPeer: LinkNodeInit['onPeer'] = (_, connection) => {
      peer = connection
    }
    await using origin = await linkNode({ clock, transport: held, host: '10.0.0.1', seed: 1, blobs, onPeer })
    await using agent = await linkNode({
      clock,
      transport: network.host('10.0.0.2'),
      host: '10.0.0.2',
      seed: 2,
      blobs,
      onPeer,
    })
    const connection = await agent.connect(origin, first)
    const events = recorder()
    const seen = recorder()
    connection.attach(events)
    peer?.attach(seen)
    peer?.sendChoke(false)
    await events.until('unchoke')
    const block = { piece: 0, offset: 0, length: 1_000 }
    const answer = fetchBlock(connection, block, new Uint8Array(1_000))
    await seen.until('request 0:0:1000')
    let settled = false
    const sent = peer?.sendBlock(block, new Uint8Array(1_000)).catch(() => undefined)
    void sent?.then(() => {
      settled = true
    })
    await answer
    peer?.close()
    await clock.advance(0)
    const early = settled
    held.release()
    await sent
    expect([early, origin.links]).toEqual([false, 1])
  })
})
