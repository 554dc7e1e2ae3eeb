import type { BackoffPolicy, Clock, Random } from '../../base/index.ts'

/** The pause that all requests to a backend keep when it has asked one of them to slow down. */
export interface SharedPause {
  /** Milliseconds until requests may be sent again; 0 when there is no pause. */
  readonly remainingMs: number
  /** How long one request should sleep: the rest of the pause, and a random time so that not all come at its end. */
  sleepMs(): number
  /** The backend asked the request sent at `sentMs` to slow down, for `retryAfterMs` where it named a time. */
  throttled(sentMs: number, retryAfterMs: number | undefined): void
  /** The backend took the request sent at `sentMs`. */
  accepted(sentMs: number): void
}

/** Longest time over which requests come back after a pause. */
const SPREAD_MS = 1_000

/**
 * Without a time named by the backend, a pause takes between half and all of base times 2^n, capped, after n pauses in
 * a row. Many requests are under way when a backend begins to throttle: what was sent before a pause began says nothing
 * about whether it was long enough, so only a time that the backend named lengthens it.
 */
export function sharedPause(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { baseMs, maxMs }: Omit<BackoffPolicy, 'attempts'>,
): SharedPause {
  let sinceMs = Number.NEGATIVE_INFINITY
  let untilMs = Number.NEGATIVE_INFINITY
  let inARow = 0
  const remainingMs = () => Math.max(0, untilMs - clock.monotonicMs())

  return {
    get remainingMs() {
      return remainingMs()
    },
    sleepMs: () => Math.ceil(remainingMs() + random.next() * Math.min(SPREAD_MS, untilMs - sinceMs)),
    throttled(sentMs, retryAfterMs) {
      const nowMs = clock.monotonicMs()
      if (sentMs > sinceMs) {
        const longest = Math.min(maxMs, baseMs * 2 ** inARow)
        inARow += 1
        sinceMs = nowMs
        untilMs = nowMs + longest / 2 + (random.next() * longest) / 2
      }
      if (retryAfterMs !== undefined) untilMs = Math.max(untilMs, nowMs + retryAfterMs)
    },
    accepted(sentMs) {
      if (sentMs >= untilMs) inARow = 0
    },
  }
}
