import { appError } from './app-error.ts'
import type { Clock } from './clock.ts'

/** @throws ABORTED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw appError('ABORTED', { cause: signal.reason })
}

/** Waits for `promise`, but no longer than the signal allows; the promise itself goes on. @throws ABORTED */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  throwIfAborted(signal)
  let giveUp: (() => void) | undefined
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        giveUp = () => reject(appError('ABORTED', { cause: signal.reason }))
        signal.addEventListener('abort', giveUp, { once: true })
      }),
    ])
  } finally {
    if (giveUp !== undefined) signal.removeEventListener('abort', giveUp)
  }
}

/** A signal that fires with the outer one or after `timeoutMs`; `release()` must be called when done. */
export interface Deadline {
  readonly signal: AbortSignal
  /** True once the time, not the outer signal, ended it. */
  readonly expired: boolean
  /** Starts the time again; for timeouts by progress. */
  touch(): void
  /** Stops the time until the next `touch`; for what is waited for on our own side. */
  hold(): void
  release(): void
}

export function deadline(clock: Clock, timeoutMs: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController()
  let expired = false
  const expire = () => {
    expired = true
    controller.abort(appError('REQUEST_TIMEOUT', { detail: { timeoutMs } }))
  }
  let timer = clock.setTimer(timeoutMs, expire)
  const follow = () => controller.abort(outer?.reason)
  if (outer?.aborted === true) follow()
  else outer?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    get expired() {
      return expired
    },
    touch() {
      if (controller.signal.aborted) return
      timer.cancel()
      timer = clock.setTimer(timeoutMs, expire)
    },
    hold: () => timer.cancel(),
    release() {
      timer.cancel()
      outer?.removeEventListener('abort', follow)
    },
  }
}
