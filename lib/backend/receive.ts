import type { Readable } from 'node:stream'
import { type AbortOptions, appError, onAbort, throwIfAborted } from '../base/index.ts'

/**
 * Passes every chunk of `source` to `sink`, one at a time, and checks the total size. A stream is read to its end or
 * destroyed; an abort destroys it. An error of the source is passed on.
 * @throws SIZE_INVALID when there are more or fewer bytes than `size`, ABORTED
 */
export async function receive(
  source: Readable | Uint8Array,
  { size, signal }: AbortOptions & { readonly size: number },
  sink: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  throwIfAborted(signal)
  if (ArrayBuffer.isView(source)) {
    if (source.length !== size) throw wrongSize(size, source.length)
    return sink(source)
  }
  const takeBack = onAbort(signal, () => source.destroy(appError('ABORTED', { cause: signal?.reason })))
  let received = 0
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      received += chunk.length
      if (received > size) throw wrongSize(size, received)
      await sink(chunk)
    }
  } finally {
    takeBack()
  }
  throwIfAborted(signal)
  if (received !== size) throw wrongSize(size, received)
}

/**
 * Runs a write that owns `source`: a stream may fail before it is read, which must not crash the process. When the
 * write fails, the stream is destroyed, so that its producer notices.
 */
export async function owningSource<T>(source: Readable | Uint8Array, write: () => Promise<T>): Promise<T> {
  if (ArrayBuffer.isView(source)) return write()
  // The listener stays for the life of the stream, because the stream may fail even after it is destroyed.
  source.on('error', () => undefined)
  try {
    return await write()
  } catch (err) {
    source.destroy()
    throw err
  }
}

function wrongSize(expected: number, received: number) {
  return appError('SIZE_INVALID', { detail: { expected, received } })
}
