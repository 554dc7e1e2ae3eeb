import { appError } from './app-error.ts'
import { onAbort } from './on-abort.ts'

export interface Timer {
  /** Idempotent. */
  cancel(): void
}

export interface AbortOptions {
  readonly signal?: AbortSignal | undefined
}

/** The only source of time. Whoever sets a timer owns it and cancels it in `stop()`. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch; may jump. */
  now(): number
  /** Milliseconds that never go backwards; for durations. */
  monotonicMs(): number
  /** Calls `fn` once, `delayMs` from now. Does not keep the process alive when `background` is true. */
  setTimer(delayMs: number, fn: () => void, init?: { background?: boolean }): Timer
  /** @throws ABORTED when the signal fires first. */
  sleep(delayMs: number, options?: AbortOptions): Promise<void>
}

/** `sleep` built on `setTimer`, shared by all clocks. */
export function sleepOn(clock: Pick<Clock, 'setTimer'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(delayMs, () => {
      takeBack()
      resolve()
    })
    const takeBack = onAbort(signal, () => {
      timer.cancel()
      reject(appError('ABORTED', { cause: signal?.reason }))
    })
  })
}

/** The real clock. */
export function systemClock(): Clock {
  const clock: Clock = {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer(delayMs, fn, init = {}) {
      const handle = setTimeout(fn, delayMs)
      if (init.background === true) handle.unref()
      return { cancel: () => clearTimeout(handle) }
    },
    sleep: (delayMs, options = {}) => sleepOn(clock, delayMs, options.signal),
  }
  return clock
}
