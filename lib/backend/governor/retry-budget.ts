import type { Clock } from '../../base/index.ts'

/** What one request adds: a retry for every five of them. */
const SHARE = 0.2
/** Retries per second that are there however few requests are sent. */
const FLOOR_PER_SECOND = 1
/** Retries that may be saved up. */
const MOST = 20

/**
 * Bounds the load that retries add: in an outage a backend gets a fifth more than it is asked for, and no multiple of
 * it.
 */
export interface RetryBudget {
  /** To be called once for each request, whatever becomes of it. */
  requested(): void
  /** Takes one retry out of the budget; false when it is used up. */
  take(): boolean
}

export function retryBudget(clock: Clock): RetryBudget {
  let balance = MOST
  let updatedMs = clock.monotonicMs()

  const add = (retries: number) => {
    const nowMs = clock.monotonicMs()
    balance = Math.min(MOST, balance + retries + ((nowMs - updatedMs) / 1000) * FLOOR_PER_SECOND)
    updatedMs = nowMs
  }

  return {
    requested: () => add(SHARE),
    take() {
      add(0)
      if (balance < 1) return false
      balance -= 1
      return true
    },
  }
}
