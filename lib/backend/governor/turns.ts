import { type AbortOptions, appError, type Clock, deadline, tokenBucket } from '../../base/index.ts'
import type { SharedPause } from './shared-pause.ts'

export interface TurnsInit {
  /** Most requests per second; undefined means no limit. */
  readonly requests: number | undefined
  /** Longest wait for a turn, in milliseconds. */
  readonly wait: number
}

/** Decides when a request may be sent: not during a pause, and not above the request rate. */
export interface Turns {
  /** @throws BACKEND_THROTTLED when the turn would come after more than `wait`, ABORTED */
  next(options: AbortOptions): Promise<void>
}

export function turns(
  { clock, pause }: { readonly clock: Clock; readonly pause: SharedPause },
  { requests, wait }: TurnsInit,
): Turns {
  const bucket = tokenBucket(clock, { ratePerSecond: requests })

  const ready = async (options: AbortOptions) => {
    do {
      while (pause.remainingMs > 0) {
        if (pause.remainingMs > wait) throw tooLong('the backend asked to slow down for longer', pause.remainingMs)
        await clock.sleep(pause.sleepMs(), options)
      }
      await bucket.take(1, options)
    } while (pause.remainingMs > 0)
  }

  return {
    async next({ signal }) {
      const limit = deadline(clock, wait, signal)
      try {
        await ready(limit)
      } catch (err) {
        if (limit.expired) throw tooLong('too many requests wait for their turn', pause.remainingMs)
        throw err
      } finally {
        limit.release()
      }
    },
  }
}

function tooLong(what: string, remainingMs: number) {
  return appError('BACKEND_THROTTLED', {
    message: `${what} than limits.wait allows; raise the quota of the backend, or the limits of its rule`,
    ...(remainingMs > 0 ? { detail: { retryAfterMs: Math.ceil(remainingMs) } } : {}),
  })
}
