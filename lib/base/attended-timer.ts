import type { Clock, Timer } from './clock.ts'

/** The wait is cut into this many parts: a standstill of the process uses up one of them at most. */
const PARTS = 4
/** After a standstill at the very end, what came meanwhile is read before anybody is judged. */
const GRACE_MS = 20

/**
 * Calls `fn` once, when the process has attended to its sockets for `delayMs`. While the process itself stands still, a
 * timer goes on, and then fires before what came meanwhile is read: others would be blamed for being late. This one
 * waits the longer for it.
 */
export function attendedTimer(clock: Pick<Clock, 'monotonicMs' | 'setTimer'>, delayMs: number, fn: () => void): Timer {
  let timer: Timer
  const wait = (ms: number, then: (lateMs: number) => void) => {
    const dueMs = clock.monotonicMs() + ms
    timer = clock.setTimer(ms, () => then(clock.monotonicMs() - dueMs))
  }
  const goOn = (left: number) => {
    wait(delayMs / PARTS, (lateMs) => {
      if (left > 1) goOn(left - 1)
      else if (lateMs > GRACE_MS) wait(GRACE_MS, fn)
      else fn()
    })
  }
  goOn(PARTS)
  return { cancel: () => timer.cancel() }
}
