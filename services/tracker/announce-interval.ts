import type { Random } from '../../lib/base/index.ts'

export interface IntervalPolicy {
  /** Announces of one torrent that this tracker is to take in a second. */
  readonly perSecond: number
  readonly minMs: number
  readonly maxMs: number
}

/** The widest interval of a spread is this many times the narrowest. */
const SPREAD = 1.2

/**
 * When a peer should announce next: so long that all entries on this tracker together stay within the budget, within
 * the bounds, and spread so that peers who came together do not stay together.
 */
export function announceIntervalMs(peers: number, policy: IntervalPolicy, random: Random): number {
  const { perSecond, minMs, maxMs } = policy
  const needed = (peers / perSecond) * 1000
  const from = Math.min(Math.max(needed, minMs), Math.max(minMs, maxMs / SPREAD))
  const to = Math.min(from * SPREAD, maxMs)
  return Math.round(from + random.next() * (to - from))
}
