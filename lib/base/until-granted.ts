import { appError } from './app-error.ts'
import type { Deferred } from './deferred.ts'
import { onAbort } from './on-abort.ts'

/** Waits in a queue for what its owner grants; `onLeft` takes the caller out of the queue. @throws ABORTED */
export async function untilGranted(
  granted: Deferred<void>,
  signal: AbortSignal | undefined,
  onLeft: () => void,
): Promise<void> {
  const takeBack = onAbort(signal, () => {
    granted.reject(appError('ABORTED', { cause: signal?.reason }))
    onLeft()
  })
  try {
    await granted.promise
  } finally {
    takeBack()
  }
}
