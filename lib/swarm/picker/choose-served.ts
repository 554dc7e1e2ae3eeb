import { classWeights, type PullClass } from '../../core/index.ts'

/** A peer that may get an upload slot. */
export interface SlotCandidate {
  readonly id: string
  /** Since when it has wanted something. */
  readonly waitingSinceMs: number
  /** Since when it has been served; undefined while it is choked. */
  readonly servedSinceMs: number | undefined
  /** At which it asks; default `normal`. */
  readonly pullClass?: PullClass
}

export interface SlotRules {
  readonly slots: number
  readonly turnMs: number
  readonly nowMs: number
}

/**
 * Who is served now: everybody while there is room. Otherwise, each turn runs to its end, and then the peer that has
 * waited longest for its class is next: the time of a higher one counts as much more as its weight is. So whoever waits is
 * served some time.
 */
export function chooseServed(
  candidates: readonly SlotCandidate[],
  { slots, turnMs, nowMs }: SlotRules,
): ReadonlySet<string> {
  const rank = ({ servedSinceMs }: SlotCandidate) => {
    if (servedSinceMs === undefined) return 1
    return nowMs - servedSinceMs < turnMs ? 0 : 2
  }
  const waited = ({ servedSinceMs, waitingSinceMs, pullClass = 'normal' }: SlotCandidate) =>
    servedSinceMs === undefined ? (nowMs - waitingSinceMs) * classWeights[pullClass] : nowMs - servedSinceMs
  const order = [...candidates].sort((a, b) => rank(a) - rank(b) || waited(b) - waited(a))
  return new Set(order.slice(0, slots).map(({ id }) => id))
}
