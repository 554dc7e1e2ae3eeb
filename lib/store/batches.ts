import { type AbortOptions, abortable } from '../base/index.ts'

/** A batch is passed on when it holds this many bytes or this many chunks. */
const BATCH_BYTES = 1024 * 1024
const BATCH_CHUNKS = 1024
/** More chunks than this are joined, because a long vector costs more than a copy. */
const VECTOR_CHUNKS = 64

export interface Batch {
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
}

function batchOf(chunks: readonly Uint8Array[], bytes: number): Batch {
  return { chunks: chunks.length > VECTOR_CHUNKS ? [Buffer.concat(chunks, bytes)] : chunks, bytes }
}

/**
 * Gathers the chunks of `source` into batches of about 1 MiB; copies only small chunks. When the source fails or the
 * signal fires, the bytes received so far are given first, and then the failure is thrown.
 * @throws ABORTED, or what the source throws
 */
export async function* batches(source: AsyncIterable<Uint8Array>, options: AbortOptions): AsyncGenerator<Batch> {
  const iterator = source[Symbol.asyncIterator]()
  let chunks: Uint8Array[] = []
  let bytes = 0
  let failure: { readonly err: unknown } | undefined
  let ended = false
  try {
    while (!ended && failure === undefined) {
      try {
        const next = await abortable(iterator.next(), options.signal)
        ended = next.done === true
        if (next.done !== true && next.value.length > 0) {
          chunks.push(next.value)
          bytes += next.value.length
        }
      } catch (err) {
        failure = { err }
      }
      const handOn = bytes >= BATCH_BYTES || chunks.length >= BATCH_CHUNKS || ended || failure !== undefined
      if (handOn && bytes > 0) {
        yield batchOf(chunks, bytes)
        chunks = []
        bytes = 0
      }
    }
  } finally {
    // Not awaited: a source that hangs would block a caller that has just given up.
    if (!ended) iterator.return?.().catch(() => undefined)
  }
  if (failure !== undefined) throw failure.err
}
