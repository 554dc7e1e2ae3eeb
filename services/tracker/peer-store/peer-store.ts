import type { Startable } from '../../../lib/base/index.ts'
import type { SwarmId } from '../../../lib/core/index.ts'
import type { SeedChanges, SeedingNode } from '../seeds/seed-registry.ts'
import type { PeerEntry } from '../swarm.ts'

/**
 * Where trackers share what they know of peers, beside their memory: the memory answers, and the store makes up for a
 * tracker that has just started or has just been given a swarm. No call throws, and none but `ready` takes time.
 */
export interface PeerStore extends Startable {
  /** An announce was accepted: the entry is in memory for `ttlMs`. */
  put(swarmId: SwarmId, entry: PeerEntry, ttlMs: number, leftBytes?: number): void
  /** The peer has left the swarm. */
  left(swarmId: SwarmId, entry: Pick<PeerEntry, 'peerId' | 'key'>): void
  /** A node lives for `ttlMs`, and what it has completely has changed. */
  seeded(node: SeedingNode, changes: Pick<SeedChanges, 'add' | 'remove'>, ttlMs: number): void
  /** An admin has dropped the swarm. */
  dropped(swarmId: SwarmId): void
  /**
   * Brings what others know of these swarms into memory, unless this tracker has heard of them lately. Undefined when
   * there is nothing to wait for; else it resolves soon, even if the store does not answer, and the load goes on.
   */
  ready(swarmIds: readonly SwarmId[]): Promise<void> | undefined
  /** Why the store is of no use at the moment, if so. */
  readonly trouble: string | undefined
}

/** No store: peers are in memory only. */
export function noPeerStore(): PeerStore {
  const nothing = () => undefined
  const done = () => Promise.resolve()
  return {
    ...{ put: nothing, left: nothing, seeded: nothing, dropped: nothing, ready: nothing },
    ...{ start: done, stop: done, trouble: undefined },
  }
}
