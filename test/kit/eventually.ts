import { deadline, systemClock } from '../../lib/base/index.ts'

const clock = systemClock()
const pollMs = 25

export interface EventuallyOptions {
  /** Milliseconds after which the last failure is thrown; by default far more than a busy machine needs. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Calls `attempt` until it does not throw, and returns its value. Only for other processes, whose readiness cannot be
 * awaited: inside one process use events and the fake clock. The signal of an attempt aborts when time is up, so that
 * no attempt waits longer.
 *
 * @throws the last failure of `attempt` when time is up; the reason of `signal` when it aborts first.
 */
export async function eventually<T>(
  attempt: (signal: AbortSignal) => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const { timeoutMs = 60_000, signal } = options
  const cut = deadline(clock, timeoutMs, signal)
  try {
    for (;;) {
      signal?.throwIfAborted()
      try {
        return await attempt(cut.signal)
      } catch (error) {
        signal?.throwIfAborted()
        if (cut.expired) throw error
      }
      await clock.sleep(pollMs, { signal })
    }
  } finally {
    cut.release()
  }
}
