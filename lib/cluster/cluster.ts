/** One instance of a clustered service. */
export interface Member {
  /** Opaque, stable across address changes; places the member on the ring. */
  readonly id: string
  /** Base URL of its HTTP listener, without a trailing slash. */
  readonly url: string
}

/**
 * Static membership, a consistent hash ring, and passive health. Health filters the ring and never rebuilds it, so
 * a member that comes back owns what it owned.
 */
export interface Cluster {
  readonly members: readonly Member[]
  /** The R members that own `key`, in ring order, healthy or not. */
  owners(key: string): readonly Member[]
  /** All members in the ring order of `key`: healthy ones first, each part in ring order. The order to try them in. */
  candidates(key: string): readonly Member[]
  /** The first R of `candidates`: who owns `key` for now. */
  liveOwners(key: string): readonly Member[]
  isHealthy(id: string): boolean
  /** Passive health: what the caller saw. Enough failures in a window take a member out for a while. */
  report(id: string, outcome: 'ok' | 'failed'): void
}
