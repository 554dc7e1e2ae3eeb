import type { Clock, Random } from '../../lib/base/index.ts'
import type { PeerInfo, SwarmId } from '../../lib/core/index.ts'
import { type PeerEntry, type Swarm, swarm } from './swarm.ts'

export interface PeerRegistryInit {
  /** Beyond this the swarm that was announced to least lately is forgotten. */
  readonly maxSwarms: number
  /** Beyond this the peer of the swarm that announced least lately is forgotten. */
  readonly maxPeersPerSwarm: number
}

/**
 * Who is in which swarm, in memory; a restart forgets it and the next announces fill it again. An announce and a
 * sample take a time that does not depend on how many peers a swarm has.
 */
export interface PeerRegistry {
  /** Adds or renews an entry for `ttlMs`. False when the peer id belongs to another key: then nothing changes. */
  announce(swarmId: SwarmId, entry: PeerEntry, ttlMs: number): boolean
  /** Forgets an entry at once. False when it belongs to another key. */
  leave(swarmId: SwarmId, entry: Pick<PeerEntry, 'peerId' | 'key'>): boolean
  /** Up to `limit` random peers of each kind: agents with the whole blob, agents without, origins. */
  sample(swarmId: SwarmId, limit: number): readonly PeerInfo[]
  /** Entries of a swarm that have everything and that have not. */
  counts(swarmId: SwarmId): { readonly complete: number; readonly incomplete: number }
  /** Drops what has expired; to be called now and then, as a swarm that nobody announces to is not looked at. */
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
  /** Least lately announced to first. */
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
