import { appError } from './app-error.ts'
import { attendedTimer } from './attended-timer.ts'
import type { Clock } from './clock.ts'
import { deferred } from './deferred.ts'
import { boundWaits, onAbort } from './on-abort.ts'

/**
 * Waits at one time on the signal of one request or one piece of work: it asks about at most 64 things at once
 * (`inTurns`), each with up to four waits on the way to a socket or a file. One more is a wait that nobody takes back, and
 * Node warns of it. Node's own bound of 10 is for what has one owner.
 */
export const WAITS_OF_WORK = 256

/** Waits on a signal that fires when a service stops: as many as it has tasks, which have bounds of their own. */
export const WAITS_OF_LIFE = 0

/** A controller of a signal on which many wait. All signals of the product come from here, or from `anySignal`. */
export function abortController(waits = WAITS_OF_WORK): AbortController {
  const controller = new AbortController()
  boundWaits(controller.signal, waits)
  return controller
}

/** @throws ABORTED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw appError('ABORTED', { cause: signal.reason })
}

/**
 * Waits for `promise` until the signal fires. An abort does not stop the work behind the promise; how that work ends is
 * then nobody's business, and its failure is no unhandled rejection. @throws ABORTED
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) promise.catch(() => undefined)
  throwIfAborted(signal)
  const aborted = deferred<never>()
  const takeBack = onAbort(signal, () => aborted.reject(appError('ABORTED', { cause: signal.reason })))
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    takeBack()
  }
}

/** Resolves when the signal has fired. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return abortable(new Promise<never>(() => undefined), signal).catch(() => undefined)
}

/**
 * A signal that fires when the outer signal fires or when `timeoutMs` has passed, not counting when this process itself
 * stood still; call `release()` when done.
 */
export interface Deadline {
  readonly signal: AbortSignal
  /** True when the timeout fired the signal, false when the outer signal did. */
  readonly expired: boolean
  /** Restarts the timeout; call it on each progress. */
  touch(): void
  /** Stops the timeout until the next `touch`, while this side itself causes the wait. */
  hold(): void
  release(): void
}

export function deadline(clock: Clock, timeoutMs: number, outer?: AbortSignal): Deadline {
  const controller = abortController()
  let expired = false
  const expire = () => {
    expired = true
    controller.abort(appError('REQUEST_TIMEOUT', { detail: { timeoutMs } }))
  }
  let timer = attendedTimer(clock, timeoutMs, expire)
  const unfollow = onAbort(outer, () => controller.abort(outer?.reason))
  return {
    signal: controller.signal,
    get expired() {
      return expired
    },
    touch() {
      if (controller.signal.aborted) return
      timer.cancel()
      timer = attendedTimer(clock, timeoutMs, expire)
    },
    hold: () => timer.cancel(),
    release() {
      timer.cancel()
      unfollow()
    },
  }
}
