/** One instance of a clustered service. */
export interface Member {
  /** Opaque and stable when the address changes; decides the member's place on the ring. */
  readonly id: string
  /** Base URL of its HTTP listener, without a trailing slash. */
  readonly url: string
}

/**
 * Static membership, a consistent hash ring, and passive health. Health filters the ring but never rebuilds it, so a
 * member that returns owns the same keys as before.
 */
export interface Cluster {
  readonly members: readonly Member[]
  /** The R owners of `key` in ring order, healthy or not. */
  owners(key: string): readonly Member[]
  /** All members, in the order in which to try them: healthy members in the ring order of `key`, then the others. */
  candidates(key: string): readonly Member[]
  /** The first R of `candidates`: the owners of `key` at this moment. */
  liveOwners(key: string): readonly Member[]
  isHealthy(id: string): boolean
  /** Reports the outcome of a call to a member. Enough failures within the window take the member out for a while. */
  report(id: string, outcome: 'ok' | 'failed'): void
}
