import { expect, test } from '@jest/globals'
import type { PeerId, PeerInfo } from '../../../lib/core/index.ts'
import type { Announcer, AnnouncingNode } from '../../../lib/swarm/index.ts'
import { swarmBlob } from '../../kit/swarm-blob.ts'
import { type LabNode, swarmLab } from '../../kit/swarm-lab.ts'

const MIB = 1024 * 1024

/** Trackers that name to each peer whom the test says, as soon as these have announced themselves, or nobody. */
function namesByHand() {
  const names = new Map<PeerId, readonly LabNode[]>()
  const known = new Map<PeerId, PeerInfo>()
  const meet = (me: AnnouncingNode, complete: boolean) => known.set(me.peerId, { ...me, complete })
  const announcer: Announcer = {
    async announce(me, batch) {
      meet(me, false)
      const peers = (names.get(me.peerId) ?? []).flatMap(({ peerId }) => known.get(peerId) ?? [])
      return batch.map(({ swarmId }) => ({ swarmId, peers, intervalMs: 1_000 }))
    },
    async tellSeeds(me) {
      meet(me, true)
      return { told: true, intervalMs: undefined }
    },
  }
  return { names, announcer }
}

test.each([
  { from: 'another zone', zone: 'b', isNamed: false, takes: false },
  { from: 'another zone that a tracker named later', zone: 'b', isNamed: true, takes: true },
  { from: 'its own zone', zone: 'a', isNamed: false, takes: true },
])('an agent that is dialled by one of $from takes pieces from it: $takes', async ({ zone, isNamed, takes }) => {
  const blob = swarmBlob(1, 8 * MIB)
  const { names, announcer } = namesByHand()
  await using lab = swarmLab([blob], 1, () => announcer)
  const origin = await lab.origin({ zone: 'a' })
  const dialled = await lab.agent({ zone: 'a' })
  const crossing = await lab.agent({ zone })
  names.set(crossing.peerId, [origin, dialled])
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  const pulled = dialled.pull(blob)
  expect(Buffer.compare(await lab.run(crossing.pull(blob)), blob.bytes)).toBe(0)
  if (isNamed) names.set(dialled.peerId, [crossing])
  // It has asked a tracker again, and everybody has had time for every piece.
  await lab.clock.advance(5_000)
  lab.sources.failPieces(undefined)
  expect(Buffer.compare(await lab.run(pulled), blob.bytes)).toBe(0)
  expect(dialled.received.peer > 0).toBe(takes)
})
