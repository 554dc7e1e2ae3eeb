import type { Random } from '../../lib/base/index.ts'

export interface IntervalPolicy {
  /** Announces of one torrent that this tracker accepts per second. */
  readonly perSecond: number
  readonly minMs: number
  readonly maxMs: number
}

/** The longest interval is this many times the shortest. */
const SPREAD = 1.2

/**
 * Milliseconds until a peer should announce again: long enough that all peers of the torrent together stay within the
 * budget, between the configured bounds, and random, so that peers that came together do not announce together for
 * ever.
 */
export function announceIntervalMs(peers: number, policy: IntervalPolicy, random: Random): number {
  const { perSecond, minMs, maxMs } = policy
  const needed = (peers / perSecond) * 1000
  const from = Math.min(Math.max(needed, minMs), Math.max(minMs, maxMs / SPREAD))
  const to = Math.min(from * SPREAD, maxMs)
  return Math.round(from + random.next() * (to - from))
}
