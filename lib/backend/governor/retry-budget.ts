import type { Clock } from '../../base/index.ts'

/** Share of a retry that each request adds: one retry for five requests. */
const SHARE = 0.2
/** Retries per second that are always allowed, however few requests there are. */
const FLOOR_PER_SECOND = 1
/** Most retries that can be saved up. */
const MOST = 20

/**
 * Limits the load of retries: in an outage, a backend gets a fifth more requests than usual, not several times as many.
 */
export interface RetryBudget {
  /** Call it once for each request, whatever its outcome. */
  requested(): void
  /** Takes one retry from the budget; false when the budget is used up. */
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
