/** One instance of a clustered service. */
export interface Member {
  /** Opaque and stable when the address changes; decides the member's place on the ring. */
  readonly id: string
  /** Base URL of its HTTP listener, without a trailing slash. */
  readonly url: string
}

/**
 * Members, a consistent hash ring, and passive health. Health filters the ring but never rebuilds it, so a member that
 * returns owns the same keys as before. All answers come from one view, which is replaced as a whole when members come
 * and go; a caller that needs two answers of one view takes them without waiting in between.
 */
export interface Cluster {
  /**
   * The members of the present view. A list is never changed, and a member that stays as it is stays the same object in
   * the next one: so what was computed from a list or from a member holds for as long as that is the one.
   */
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
  /**
   * Calls back after each change of the members, until the result is called. A listener is an event: it throws nothing and
   * runs to its end without waiting.
   */
  onChange(listener: () => void): () => void
}

/** A cluster whose members may change. */
export interface ChangingCluster extends Cluster {
  /**
   * Makes these the members: one new view, then the listeners. Nothing happens when they are those of the present view. A
   * member that stays keeps its health; one with another address begins anew.
   * @throws CONFIG_INVALID for malformed or repeated ids; nothing has changed then
   */
  replace(members: readonly Member[]): void
}
