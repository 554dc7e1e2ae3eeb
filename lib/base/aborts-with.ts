import type { Readable } from 'node:stream'
import { appError } from './app-error.ts'
import { onAbort } from './on-abort.ts'

/** Destroys `stream` with ABORTED when the signal fires, at once when it has fired, until the stream has closed. */
export function abortsWith(stream: Readable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  stream.once(
    'close',
    onAbort(signal, () => stream.destroy(appError('ABORTED', { cause: signal.reason }))),
  )
}
