import { type AppError, appError, type Clock, type Timer } from '../base/index.ts'

/** While we wait for the bytes of a body, at least so many have to come in this time: far less than a slow line brings. */
const PACE_MS = 60_000
const PACE_BYTES = 16 * 1024

/** Watches that a body comes at a least rate. Only the time counts in which somebody waits for its next bytes. */
export interface BodyPace {
  /** Somebody waits for the next bytes, from now on. */
  waits(): void
  /** So many have come. */
  came(bytes: number): void
  end(): void
}

/** `onSlow` is called once, with BODY_TOO_SLOW. */
export function bodyPace(clock: Pick<Clock, 'setTimer' | 'monotonicMs'>, onSlow: (err: AppError) => void): BodyPace {
  let waitedMs = 0
  let bytes = 0
  let sinceMs: number | undefined
  let timer: Timer | undefined

  const countWait = () => {
    const nowMs = clock.monotonicMs()
    if (sinceMs !== undefined) {
      waitedMs += nowMs - sinceMs
      sinceMs = nowMs
    }
  }
  const plan = () => {
    timer = clock.setTimer(Math.max(1, PACE_MS - waitedMs), look, { background: true })
  }
  const look = () => {
    countWait()
    if (waitedMs >= PACE_MS) {
      if (bytes < PACE_BYTES) {
        onSlow(appError('BODY_TOO_SLOW', { detail: { bytes, withinMs: Math.round(waitedMs) } }))
        return
      }
      waitedMs = 0
      bytes = 0
    }
    plan()
  }

  return {
    waits() {
      sinceMs = clock.monotonicMs()
      if (timer === undefined) plan()
    },
    came(count) {
      countWait()
      sinceMs = undefined
      bytes += count
    },
    end: () => timer?.cancel(),
  }
}
