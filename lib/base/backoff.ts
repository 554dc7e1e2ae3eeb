import { throwIfAborted } from './abort.ts'
import type { AbortOptions, Clock } from './clock.ts'
import type { Random } from './random.ts'

export interface BackoffPolicy {
  readonly baseMs: number
  readonly maxMs: number
  /** Number of tries, including the first one. */
  readonly attempts: number
}

/** Backoff with full jitter: a random wait up to base times 2^attempt, capped. `attempt` counts from 0. */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: Random): number {
  return random.next() * Math.min(policy.maxMs, policy.baseMs * 2 ** attempt)
}

export interface RetryComponents {
  readonly clock: Clock
  readonly random: Random
}

export interface RetryOptions extends AbortOptions {
  /** Whether `work` may be called again after this failure of the attempt, counted from 0. */
  again(err: unknown, attempt: number): boolean
}

/**
 * Calls `work` until it succeeds, fails in a way that allows no further try, or the attempts are used up; throws its
 * last failure then. @throws ABORTED
 */
export async function retry<T>(
  { clock, random }: RetryComponents,
  policy: BackoffPolicy,
  work: (attempt: number) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    throwIfAborted(options.signal)
    try {
      return await work(attempt)
    } catch (err) {
      if (!options.again(err, attempt) || attempt + 1 >= policy.attempts) throw err
      await clock.sleep(backoffMs(policy, attempt, random), options)
    }
  }
}
