import type { Clock, Timer } from '../../base/index.ts'

export interface TickerInit {
  readonly intervalMs: number
  /** `lateMs` is how long the process itself did nothing beyond that; 0 for what is usual. */
  onTick(nowMs: number, lateMs: number): void
}

/** One tick each time it is started. */
export interface Ticker {
  /** Idempotent while it runs. */
  start(): void
  stop(): void
}

/** A tick that comes later than this follows a stall of the process. */
const STALL_MS = 50
/** After a stall timers run before what came meanwhile is read from the sockets: the tick waits for it. */
const CATCH_UP_MS = 10

/** Measures its own lateness, so that nobody else is blamed for it. */
export function ticker(clock: Clock, init: TickerInit): Ticker {
  let timer: Timer | undefined
  let dueMs = 0

  const lateness = () => {
    const lateMs = clock.monotonicMs() - dueMs
    return lateMs < STALL_MS ? 0 : lateMs
  }
  const tick = () => {
    timer = undefined
    init.onTick(clock.monotonicMs(), lateness())
  }
  const wake = () => {
    if (lateness() === 0) tick()
    else timer = clock.setTimer(CATCH_UP_MS, tick)
  }

  return {
    start() {
      if (timer !== undefined) return
      dueMs = clock.monotonicMs() + init.intervalMs
      timer = clock.setTimer(init.intervalMs, wake)
    },
    stop() {
      timer?.cancel()
      timer = undefined
    },
  }
}
