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

/** At this clock no time passes, however slow the machine is; its timers run all the same. */
export const standingClock = (): Clock => ({ ...systemClock(), now: () => 1_700_000_000_000, monotonicMs: () => 0 })

/** The real clock for a process that a test can let be older: dates and timers are as they are. */
export const agingClock = (): ShiftedClock => ({ ...shiftedClock(), now: () => systemClock().now() })
