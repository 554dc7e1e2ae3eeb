import { abortable, throwIfAborted } from './abort.ts'
import type { AbortOptions, Clock } from './clock.ts'

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

export function tokenBucket(clock: Clock, init: TokenBucketInit): TokenBucket {
  const rate = init.ratePerSecond
  if (rate === undefined) return { take: () => Promise.resolve(), available: Number.POSITIVE_INFINITY }
  const burst = init.burst ?? rate
  let tokens = burst
  let updatedMs = clock.monotonicMs()
  let queue: Promise<void> = Promise.resolve()

  const refill = () => {
    const nowMs = clock.monotonicMs()
    tokens = Math.min(burst, tokens + ((nowMs - updatedMs) / 1000) * rate)
    updatedMs = nowMs
  }

  const takeNow = async (wanted: number, options: AbortOptions) => {
    throwIfAborted(options.signal)
    refill()
    const needed = Math.min(wanted, burst)
    while (tokens < needed) {
      await clock.sleep(Math.max(1, ((needed - tokens) / rate) * 1000), options)
      refill()
    }
    tokens -= wanted
  }

  return {
    take(wanted, options = {}) {
      const turn = queue.then(() => takeNow(wanted, options))
      queue = turn.catch(() => undefined)
      return abortable(turn, options.signal)
    },
    get available() {
      refill()
      return Math.max(0, tokens)
    },
  }
}
