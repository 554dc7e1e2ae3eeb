import { type Clock, systemClock } from '../../lib/base/index.ts'

/** The real clock, which a test can put forward: timers under way keep their real time. */
export interface ShiftedClock extends Clock {
  forward(ms: number): void
}

export function shiftedClock(): ShiftedClock {
  const real = systemClock()
  let shiftMs = 0
  return {
    ...real,
    now: () => real.now() + shiftMs,
    monotonicMs: () => real.monotonicMs() + shiftMs,
    forward(ms) {
      shiftMs += ms
    },
  }
}
