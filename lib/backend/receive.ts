import type { Readable } from 'node:stream'
import { type AbortOptions, appError, throwIfAborted } from '../base/index.ts'

/**
 * Hands every chunk of `source` to `sink`, one at a time, and checks the count. A stream is read to its end or
 * destroyed; an abort destroys it. What the source fails with is passed on.
 * @throws SIZE_INVALID when the bytes are more or fewer than `size`, ABORTED
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
  const giveUp = () => void source.destroy(appError('ABORTED', { cause: signal?.reason }))
  signal?.addEventListener('abort', giveUp, { once: true })
  let received = 0
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      received += chunk.length
      if (received > size) throw wrongSize(size, received)
      await sink(chunk)
    }
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
  throwIfAborted(signal)
  if (received !== size) throw wrongSize(size, received)
}

/**
 * Runs a write that was given `source`: a stream may fail before it is read, which must not bring the process down,
 * and is destroyed when the write fails, so that whoever feeds it learns of it.
 */
export async function owningSource<T>(source: Readable | Uint8Array, write: () => Promise<T>): Promise<T> {
  if (ArrayBuffer.isView(source)) return write()
  // Stays for the life of the stream: destroying it may fail later still.
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
