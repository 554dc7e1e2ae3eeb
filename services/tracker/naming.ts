import { announceLimits } from '../../lib/api/index.ts'
import type { Random } from '../../lib/base/index.ts'
import type { PeerInfo, SwarmId } from '../../lib/core/index.ts'
import type { Control } from './control/control.ts'
import type { PeerRegistry } from './peer-registry.ts'
import { policies } from './policy/policies.ts'
import { reaches } from './reach.ts'
import type { SeedRegistry } from './seeds/seed-registry.ts'
import type { PeerEntry } from './swarm.ts'

export interface NamingComponents {
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly control: Pick<Control, 'markOf' | 'now'>
  readonly random: Random
}

/** Which peers are named to an asker. */
export interface Naming {
  /** The best peer first; never the asker, nor one that is banned or drained, nor one that the asker cannot reach. */
  best(swarmId: SwarmId, asker: PeerEntry, limit: number): readonly PeerInfo[]
  /** Whether there is a peer to name to the asker. */
  knowsOthers(swarmId: SwarmId, asker: PeerEntry): boolean
}

export function naming({ registry, seeds, control, random }: NamingComponents): Naming {
  const isOpen = (peer: PeerInfo) =>
    control.markOf('ban', peer) === undefined && control.markOf('drain', peer) === undefined
  const mayName = (peer: PeerInfo, asker: PeerEntry) => reaches(asker.host, peer.host) && isOpen(peer)

  return {
    best(swarmId, asker, limit) {
      const entries = registry.sample(swarmId, announceLimits.maxPeers)
      // A peer with an entry of its own is named as the entry says: it may have lost the blob and be pulling it again.
      const known = new Set(entries.map(({ peerId }) => peerId))
      const others = seeds.sample(swarmId, announceLimits.maxPeers).filter(({ peerId }) => !known.has(peerId))
      const near = [...entries, ...others].filter((peer) => mayName(peer, asker))
      return policies[control.now.policy](asker, near, random).slice(0, limit)
    },
    knowsOthers: (swarmId, asker) =>
      [registry, seeds].some((known) =>
        known.sample(swarmId, 2).some((peer) => peer.peerId !== asker.peerId && mayName(peer, asker)),
      ),
  }
}
