import { expect, test } from '@jest/globals'
import { announceAnswerSchema } from '../../../lib/api/tracker.ts'
import { swarmIdOf } from '../../../lib/core/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { pullDigest, slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const size = 48 * 1024 * 1024

/** Ports of the agents that the tracker names for a blob. */
async function agentsOf(shoal: Topology, { digest }: PushedBlob): Promise<readonly number[]> {
  const swarm = { swarmId: swarmIdOf(digest), digest, leftBytes: 1, wantPeers: 10, reports: [] }
  const response = await fetch(`${shoal.url('tracker-1')}/announce`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      peer: { peerId: 'ab'.repeat(20), key: 'asker', port: 1, role: 'agent' },
      torrents: [{ ...swarm, event: 'interval' }],
    }),
  })
  const { torrents } = announceAnswerSchema.parse(await response.json())
  const peers = torrents.flatMap((torrent) => torrent.peers)
  return peers.filter(({ role }) => role === 'agent').map(({ port }) => port)
}

test('an agent told to stop finishes the answer under way, leaves its swarms and exits with 0', async () => {
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: ['agent-1'] })
  const blob = await pushBlobOf(shoal, 'stopped', size)
  const url = shoal.url('agent-1', 'registry') + blob.path
  await pullDigest(url)
  const peerPort = Number(new URL(shoal.url('agent-1', 'peer')).port)
  await eventually(async () => expect(await agentsOf(shoal, blob)).toEqual([peerPort]))

  const pull = await slowPull(url)
  await pull.readTo(1)
  const stopped = shoal.stop('agent-1')
  await eventually(() => expect(fetch(url)).rejects.toThrow())
  expect(await pull.finish()).toBe(blob.digest)
  expect(await stopped).toBe(0)
  expect(await agentsOf(shoal, blob)).toEqual([])
})
