import { appError } from './app-error.ts'
import type { Deferred } from './deferred.ts'

/** Waits in a queue for what its owner grants; `onLeft` takes the caller out of the queue. @throws ABORTED */
export async function untilGranted(
  granted: Deferred<void>,
  signal: AbortSignal | undefined,
  onLeft: () => void,
): Promise<void> {
  const giveUp = () => {
    granted.reject(appError('ABORTED', { cause: signal?.reason }))
    onLeft()
  }
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    await granted.promise
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}
