import type { BackoffPolicy, Clock, Random } from '../../base/index.ts'
import { type ReadPriority, readPriorities } from '../../core/index.ts'
import { type SharedPause, sharedPause } from './shared-pause.ts'

/** The pauses of the requests to a backend, by how urgent they are, after it asked one of them to slow down. */
export interface Pauses {
  /** That of requests that somebody waits for; in such a pause, nothing is sent. */
  readonly untilMs: number
  readonly remainingMs: number
  /** Milliseconds until requests of this priority may be sent again; 0 without a pause. Never less than for a more urgent one. */
  remainingFor(priority: ReadPriority): number
  /** How long such a request should sleep; see `SharedPause`. */
  sleepFor(priority: ReadPriority): number
  /** A request is sent. */
  sent(priority: ReadPriority): void
  /** The backend asked the request sent at `sentMs` to slow down, for `retryAfterMs` if it gave a time. */
  throttled(sentMs: number, retryAfterMs: number | undefined): void
  /** The backend accepted the request sent at `sentMs`. */
  accepted(sentMs: number): void
  /** Another process was asked to slow down, and so long no request is sent from here either. */
  hear(remainingMs: number): void
}

/** Requests of a priority that sent none for so long are no load that a pause of them would take away. */
const BUSY_MS = 5_000

/**
 * The least urgent requests pause first. When the backend asks again, although these had paused when the request was sent,
 * the next more urgent ones pause as well, and at last all. Of priorities without requests nothing is to be gained, so
 * they are passed over: where all requests are alike, the first answer pauses them all.
 */
export function pauses(
  components: { readonly clock: Clock; readonly random: Random },
  policy: Omit<BackoffPolicy, 'attempts'>,
): Pauses {
  const { clock } = components
  const each = readPriorities.map((priority) => ({
    priority,
    pause: sharedPause(components, policy),
    sentMs: Number.NEGATIVE_INFINITY,
  }))
  const leastUrgentFirst = [...each].reverse()
  const by = Object.fromEntries(each.map((one) => [one.priority, one])) as Record<ReadPriority, (typeof each)[number]>
  const whole = by.onDemand.pause

  const isBusy = ({ sentMs, pause }: (typeof each)[number]) =>
    Number.isFinite(sentMs) && clock.monotonicMs() - Math.max(sentMs, pause.untilMs) <= BUSY_MS

  return {
    get untilMs() {
      return whole.untilMs
    },
    get remainingMs() {
      return whole.remainingMs
    },
    remainingFor: (priority) => by[priority].pause.remainingMs,
    sleepFor: (priority) => by[priority].pause.sleepMs(),
    sent(priority) {
      by[priority].sentMs = clock.monotonicMs()
    },
    throttled(sentMs, retryAfterMs) {
      for (const one of leastUrgentFirst) {
        const hadPaused = one.pause.covers(sentMs)
        one.pause.throttled(sentMs, retryAfterMs)
        if (!hadPaused && isBusy(one)) break
      }
      keepOrder(each.map(({ pause }) => pause))
    },
    accepted(sentMs) {
      for (const { pause } of each) pause.accepted(sentMs)
    },
    hear(remainingMs) {
      for (const { pause } of each) pause.hear(remainingMs)
    },
  }
}

/** No pause ends before that of something more urgent. */
function keepOrder([first, ...rest]: readonly SharedPause[]): void {
  let longestMs = first?.remainingMs ?? 0
  for (const pause of rest) {
    pause.hear(longestMs)
    longestMs = Math.max(longestMs, pause.remainingMs)
  }
}
