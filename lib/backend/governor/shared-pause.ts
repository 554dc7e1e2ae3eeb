import type { BackoffPolicy, Clock, Random } from '../../base/index.ts'

/** A pause of requests to a backend after it asked one of them to slow down; `Pauses` has one for each priority. */
export interface SharedPause {
  /** On the monotonic clock; in the past without a pause. */
  readonly untilMs: number
  /** Milliseconds until requests may be sent again; 0 without a pause. */
  readonly remainingMs: number
  /** Whether the pause had begun and not ended when a request was sent at `sentMs`. */
  covers(sentMs: number): boolean
  /**
   * How long a request should sleep: the rest of the pause plus a random time, so that not all requests come at its
   * end.
   */
  sleepMs(): number
  /** Reports that the backend asked the request sent at `sentMs` to slow down, for `retryAfterMs` if it gave a time. */
  throttled(sentMs: number, retryAfterMs: number | undefined): void
  /** Reports that the backend accepted the request sent at `sentMs`. */
  accepted(sentMs: number): void
  /** Another process was asked to slow down, and so long no request is sent from here either. */
  hear(remainingMs: number): void
}

/** After a pause, requests return spread over at most this time. */
const SPREAD_MS = 1_000

/**
 * When the backend gives no time, a pause takes between half and all of base times 2^n, capped, after n pauses in a
 * row. Many requests are running when a backend begins to throttle. A request that was sent before the pause says
 * nothing about whether the pause was long enough, so only a time given by the backend makes the pause longer.
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
    get untilMs() {
      return untilMs
    },
    get remainingMs() {
      return remainingMs()
    },
    covers: (sentMs) => sinceMs < sentMs && sentMs < untilMs,
    sleepMs: () => Math.ceil(remainingMs() + random.next() * Math.min(SPREAD_MS, untilMs - sinceMs)),
    throttled(sentMs, retryAfterMs) {
      const nowMs = clock.monotonicMs()
      if (sentMs > sinceMs) {
        const longest = Math.min(maxMs, baseMs * 2 ** inARow)
        inARow += 1
        sinceMs = nowMs
        untilMs = Math.max(untilMs, nowMs + longest / 2 + (random.next() * longest) / 2)
      }
      if (retryAfterMs !== undefined) untilMs = Math.max(untilMs, nowMs + retryAfterMs)
    },
    accepted(sentMs) {
      if (sentMs >= untilMs) inARow = 0
    },
    hear(remainingMs) {
      const nowMs = clock.monotonicMs()
      if (nowMs + remainingMs <= untilMs) return
      sinceMs = nowMs
      untilMs = nowMs + remainingMs
    },
  }
}
