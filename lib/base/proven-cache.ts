/**
 * A cache bounded by its number of entries, of which those that have proven themselves are safe from the others: new ones
 * push out only new ones, however many come.
 *
 *     add ──> new ── prove ──> proven ── least recently used, and idle ──> gone
 *              '── least recently used, idle ones first ──> gone
 */
export interface ProvenCache<V> {
  /** Counts as a use. */
  get(key: string): V | undefined
  /** As a new entry. */
  add(key: string, value: V): void
  /** Keeps the entry from making room for new ones; while all proven ones are in use, it stays new. */
  prove(key: string): void
  /** All entries, the proven ones first; does not count as a use. */
  entries(): Iterable<readonly [string, V]>
}

export interface ProvenCacheInit<V> {
  /** At least 1. */
  readonly maxNew: number
  readonly maxProven: number
  /** A proven entry in use never makes room. */
  readonly isInUse: (value: V) => boolean
}

export function provenCache<V>({ maxNew, maxProven, isInUse }: ProvenCacheInit<V>): ProvenCache<V> {
  /** The least recently used first. */
  const [fresh, proven] = [new Map<string, V>(), new Map<string, V>()]
  const idleIn = (from: Map<string, V>) => [...from].find(([, value]) => !isInUse(value))?.[0]

  return {
    get(key) {
      const place = proven.has(key) ? proven : fresh
      const value = place.get(key)
      if (value !== undefined) place.delete(key)
      if (value !== undefined) place.set(key, value)
      return value
    },
    add(key, value) {
      proven.delete(key)
      fresh.delete(key)
      const [oldest] = fresh.keys()
      if (fresh.size >= maxNew) fresh.delete(idleIn(fresh) ?? oldest ?? '')
      fresh.set(key, value)
    },
    prove(key) {
      const value = fresh.get(key)
      if (value === undefined) return
      const leaver = proven.size < maxProven ? key : idleIn(proven)
      if (leaver === undefined) return
      fresh.delete(key)
      proven.delete(leaver)
      proven.set(key, value)
    },
    *entries() {
      yield* proven
      yield* fresh
    },
  }
}
