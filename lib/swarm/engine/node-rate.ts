import { type Clock, type FairBucket, fairBucket } from '../../base/index.ts'
import type { SwarmLimits } from '../limits.ts'

/** Share of the rate per second that may be sent at once; small, so that a pause does not end in a burst. */
const BURST_SHARE = 0.1
const MIN_BURST = 1024 * 1024

const burstOf = (ratePerSecond = 0) => Math.max(MIN_BURST, ratePerSecond * BURST_SHARE)

/** The rate of a node in one direction, which its torrents share fairly; undefined is no limit. */
export function nodeRate(
  clock: Clock,
  { blockLength }: Pick<SwarmLimits, 'blockLength'>,
  ratePerSecond: number | undefined,
): FairBucket {
  // A block at a time, and one is kept for who needs little.
  const more = { turn: blockLength, reserve: blockLength }
  const bucket = fairBucket(clock, { ratePerSecond, burst: burstOf(ratePerSecond), ...more })
  return {
    flow: (init) => bucket.flow(init),
    setRate: (rate) => bucket.setRate(rate, { burst: burstOf(rate) }),
    get available() {
      return bucket.available
    },
  }
}
