import type { Clock, Random } from '../../lib/base/index.ts'
import type { PeerInfo, SwarmId } from '../../lib/core/index.ts'
import { type PeerEntry, type Swarm, swarm } from './swarm.ts'

export interface PeerRegistryInit {
  /** Most swarms; beyond it the swarm whose last announce is oldest is forgotten. */
  readonly maxSwarms: number
  /** Most peers of a swarm; beyond it the peer whose last announce is oldest is forgotten. */
  readonly maxPeersPerSwarm: number
}

/**
 * The peers of every swarm, in memory: a restart forgets them, and the next announces bring them back. The time of an
 * announce or a sample does not depend on the number of peers in the swarm.
 */
export interface PeerRegistry {
  /** Adds or renews an entry for `ttlMs`. False, and nothing changes, when the peer id belongs to another key. */
  announce(swarmId: SwarmId, entry: PeerEntry, ttlMs: number): boolean
  /** Forgets an entry at once. False when the peer id belongs to another key. */
  leave(swarmId: SwarmId, entry: Pick<PeerEntry, 'peerId' | 'key'>): boolean
  /** Up to `limit` random peers of each kind: agents with the whole blob, agents without it, origins. */
  sample(swarmId: SwarmId, limit: number): readonly PeerInfo[]
  /** The numbers of entries in a swarm with the whole blob and without it. */
  counts(swarmId: SwarmId): { readonly complete: number; readonly incomplete: number }
  /** Drops expired entries. Call it regularly, because a swarm without announces is otherwise not looked at. */
  sweep(): void
  readonly swarms: number
  /** Entries of all swarms. */
  readonly peers: number
}

export interface PeerRegistryComponents {
  readonly clock: Clock
  readonly random: Random
}

export function peerRegistry({ clock, random }: PeerRegistryComponents, init: PeerRegistryInit): PeerRegistry {
  /** Ordered by the last announce, oldest first. */
  const swarms = new Map<SwarmId, Swarm>()
  let peers = 0

  const swept = (id: SwarmId): Swarm | undefined => {
    const found = swarms.get(id)
    if (found === undefined) return undefined
    peers -= found.sweep(clock.monotonicMs())
    if (found.size > 0) return found
    swarms.delete(id)
    return undefined
  }

  const forgetOldest = () => {
    const [oldest] = swarms
    if (oldest === undefined) return
    peers -= oldest[1].size
    swarms.delete(oldest[0])
  }

  return {
    announce(id, entry, ttlMs) {
      let found = swept(id)
      if (found === undefined) {
        if (swarms.size >= init.maxSwarms) forgetOldest()
        found = swarm(random, init.maxPeersPerSwarm)
      }
      swarms.delete(id)
      swarms.set(id, found)
      const before = found.size
      const taken = found.put(entry, clock.monotonicMs() + ttlMs)
      peers += found.size - before
      return taken
    },
    leave(id, { peerId, key }) {
      const found = swept(id)
      if (found === undefined) return true
      const before = found.size
      const taken = found.remove(peerId, key)
      peers += found.size - before
      if (found.size === 0) swarms.delete(id)
      return taken
    },
    sample: (id, limit) => swept(id)?.sample(limit, clock.monotonicMs()) ?? [],
    counts: (id) => swept(id)?.counts() ?? { complete: 0, incomplete: 0 },
    sweep() {
      for (const id of [...swarms.keys()]) swept(id)
    },
    get swarms() {
      return swarms.size
    },
    get peers() {
      return peers
    },
  }
}
