import { expect, test } from '@jest/globals'
import { Bitset, seededRandom, systemClock } from '../../lib/base/index.ts'
import { type PeerId, PieceMap, peerIdOf, swarmIdOf } from '../../lib/core/index.ts'
import { tcpTransport } from '../../lib/swarm/index.ts'
import { dialPeer } from '../../lib/swarm/peer/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { fetchBlock } from '../kit/fetch-block.ts'
import { recorder } from '../kit/peer-pair.ts'
import { type PushedBlob, pushBlobOf } from '../kit/pushed-blob.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** A member asks an origin over HTTP in the name of another one, whose peer id every peer of a swarm knows. */

const PIECE = 256 * 1024
const clock = systemClock()

/** Joins the swarm at the origin as a peer of this id, and takes a block of the first piece. */
async function joined(shoal: Topology, { digest, size }: PushedBlob, peerId: PeerId) {
  const { hostname: host, port } = new URL(shoal.url('origin-1', 'peer'))
  const map = new PieceMap(size)
  const connection = await dialPeer(
    { clock, logger: silentLogger(), transport: tcpTransport({ clock }) },
    {
      address: { host, port: Number(port) },
      swarmId: swarmIdOf(digest),
      header: { digest, length: size, pieceLength: map.pieceLength },
      self: { peerId, role: 'agent', listenPort: undefined },
    },
  )
  const events = recorder()
  connection.attach(events)
  connection.sendBitfield(new Bitset(map.count))
  connection.sendInterested(true)
  await events.until('unchoke')
  await fetchBlock(connection, { piece: 0, offset: 0, length: 16_384 }, new Uint8Array(16_384))
  return connection
}

test('who shows the peer id of another agent gets nothing in its name', async () => {
  await using shoal = await startTopology({ agents: 0, origins: 1, trackers: 1, processes: [] })
  const blob = await pushBlobOf(shoal, 'asked/blob', 4 * PIECE)
  const random = seededRandom(9)
  const newKey = () => Buffer.from(random.bytes(12)).toString('hex')
  const [ours, other] = [newKey(), newKey()]
  const peer = await joined(shoal, blob, peerIdOf(ours))
  const ask = async (shown: string, piece: number) => {
    const path = `/namespace/${encodeURIComponent('asked/blob')}/blobs/${blob.digest}`
    const range = `bytes=${piece * PIECE}-${(piece + 1) * PIECE - 1}`
    const answer = await fetch(shoal.url('origin-1', 'http') + path, { headers: { range, 'x-shoal-asker': shown } })
    await answer.arrayBuffer()
    return answer.status
  }
  // Each piece goes to one agent, which may ask for it again.
  expect([await ask(other, 1), await ask(other, 0)]).toEqual([206, 503])
  expect([await ask(peerIdOf(ours), 0), await ask(peerIdOf(ours).slice(16), 0)]).toEqual([400, 503])
  expect(await ask(ours, 0)).toBe(206)
  peer.close()
})
