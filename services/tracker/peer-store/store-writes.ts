import type { Clock, Random } from '../../../lib/base/index.ts'
import type { PeerId, SwarmId } from '../../../lib/core/index.ts'
import { isProven } from '../owner.ts'
import type { SeedingNode } from '../seeds/seed-registry.ts'
import type { PeerEntry } from '../swarm.ts'
import { nodeRow, peerRow, rowName } from './rows.ts'
import type { StoreCalls } from './scripts.ts'
import type { WriteBehind } from './write-behind.ts'

/** What is written of peers, each in the form and under the key that redis has for it. */
export interface StoreWrites {
  peer(swarmId: SwarmId, entry: PeerEntry, ttlMs: number, leftBytes?: number): void
  noPeer(swarmId: SwarmId, entry: Pick<PeerEntry, 'peerId' | 'key'>): void
  node(node: SeedingNode, ttlMs: number): void
  seed(swarmId: SwarmId, peerId: PeerId): void
  noSeed(swarmId: SwarmId, peerId: PeerId): void
  drop(swarmId: SwarmId): void
}

export interface StoreWritesComponents {
  readonly clock: Clock
  readonly random: Random
  readonly calls: StoreCalls
  readonly queue: Pick<WriteBehind, 'put'>
}

export function storeWrites({ clock, random, calls, queue }: StoreWritesComponents): StoreWrites {
  const writer = Buffer.from(random.bytes(6)).toString('hex')
  const until = (ttlMs: number) => clock.monotonicMs() + ttlMs

  return {
    peer(id, entry, ttlMs, leftBytes) {
      // A stock client announces at each tracker where it wants to be known, and its name for the swarm is checked there.
      if (entry.infoHash !== undefined) return
      const name = rowName(entry.peerId, entry.key)
      const end = until(ttlMs)
      queue.put(`p${id}${name}`, (nowMs) =>
        end > nowMs ? calls.peer(id, name, peerRow(entry, leftBytes), end - nowMs) : undefined,
      )
    },
    noPeer(id, { peerId, key }) {
      const name = rowName(peerId, key)
      queue.put(`p${id}${name}`, () => calls.noPeer(id, name))
    },
    node(node, ttlMs) {
      // Anybody could tell another tracker that he is a node whose id is not proven.
      if (!isProven(node.peerId, node.key)) return
      const end = until(ttlMs)
      const row = nodeRow(node)
      queue.put(`n${node.peerId}`, (nowMs) => (end > nowMs ? calls.node(node.peerId, row, end - nowMs) : undefined))
    },
    seed: (id, peerId) => queue.put(`s${id}${peerId}`, () => calls.seed(id, peerId, writer)),
    noSeed: (id, peerId) => queue.put(`s${id}${peerId}`, () => calls.noSeed(id, peerId, writer)),
    drop: (id) => queue.put(`d${id}`, () => calls.drop(id)),
  }
}
