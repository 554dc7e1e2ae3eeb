import { type Clock, type FairBucket, fairBucket } from '../../base/index.ts'
import type { SwarmLimits } from '../limits.ts'

/** Share of the rate per second that may be sent at once; small, so that a pause does not end in a burst. */
const BURST_SHARE = 0.1
const MIN_BURST = 1024 * 1024

/** The rate of a node in one direction, which its torrents share fairly; undefined is no limit. */
export function nodeRate(
  clock: Clock,
  { blockLength }: Pick<SwarmLimits, 'blockLength'>,
  ratePerSecond: number | undefined,
): FairBucket {
  const burst = Math.max(MIN_BURST, (ratePerSecond ?? 0) * BURST_SHARE)
  // A block at a time, and one is kept for who needs little.
  return fairBucket(clock, { ratePerSecond, burst, turn: blockLength, reserve: blockLength })
}
