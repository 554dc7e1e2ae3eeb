import type { AbortOptions } from './clock.ts'

/** A rate limit. `take` waits until enough tokens are there; callers are served in order. */
export interface TokenBucket {
  /** A caller that aborts leaves the queue at once and takes no tokens. @throws ABORTED */
  take(tokens: number, options?: AbortOptions): Promise<void>
  /** Tokens that can be taken now without waiting; Infinity when there is no limit. */
  readonly available: number
}

export interface TokenBucketInit {
  /** Tokens per second; undefined means no limit. */
  readonly ratePerSecond: number | undefined
  /** Tokens that a pause can save up. A larger `take` is allowed and puts the bucket into debt. */
  readonly burst?: number
}
