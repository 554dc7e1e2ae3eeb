/** A peer that may get an upload slot. */
export interface SlotCandidate {
  readonly id: string
  /** Since when it has wanted something. */
  readonly waitingSinceMs: number
  /** Since when it has been served; undefined while it is choked. */
  readonly servedSinceMs: number | undefined
}

export interface SlotRules {
  readonly slots: number
  readonly turnMs: number
  readonly nowMs: number
}

/**
 * Who is served now: everybody while there is room. Otherwise, each turn runs to its end, and then the peer that has
 * waited longest is next.
 */
export function chooseServed(
  candidates: readonly SlotCandidate[],
  { slots, turnMs, nowMs }: SlotRules,
): ReadonlySet<string> {
  const rank = ({ servedSinceMs }: SlotCandidate) => {
    if (servedSinceMs === undefined) return 1
    return nowMs - servedSinceMs < turnMs ? 0 : 2
  }
  const since = ({ servedSinceMs, waitingSinceMs }: SlotCandidate) => servedSinceMs ?? waitingSinceMs
  const order = [...candidates].sort((a, b) => rank(a) - rank(b) || since(a) - since(b))
  return new Set(order.slice(0, slots).map(({ id }) => id))
}
