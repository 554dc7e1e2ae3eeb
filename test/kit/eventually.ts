import { deadline, systemClock } from '../../lib/base/index.ts'

const clock = systemClock()
const pollMs = 25

export interface EventuallyOptions {
  /** Milliseconds until the last failure is thrown. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Calls `attempt` until it stops throwing and returns its value. For the process edge only, where another program's
 * readiness cannot be awaited: inside one process use events and the fake clock. The attempt's signal fires when time
 * is up, so that one that waits does not wait longer.
 *
 * @throws what `attempt` threw last, when time is up; the signal's reason, when `signal` fires first.
 */
export async function eventually<T>(
  attempt: (signal: AbortSignal) => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<T> {
  const { timeoutMs = 15_000, signal } = options
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
