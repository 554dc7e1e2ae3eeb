import { type AbortOptions, abortable } from '../base/index.ts'

/** More chunks than this are not gathered: each of them takes memory beside its bytes. */
const MAX_CHUNKS = 1024

export interface Batch {
  readonly chunks: readonly Uint8Array[]
  readonly bytes: number
}

export interface BatchesOptions extends AbortOptions {
  /** Bytes of a batch, at most. */
  readonly maxBytes: number
  /** Where the first byte of the source belongs. */
  readonly offset: number
}

/**
 * Gathers the chunks of `source` into batches, without copying them. A batch ends at the next multiple of `maxBytes`, or
 * before when it has very many chunks. When the source fails or the signal fires, the bytes received so far are given
 * first, and then the failure is thrown.
 * @throws ABORTED, or what the source throws
 */
export async function* batches(source: AsyncIterable<Uint8Array>, options: BatchesOptions): AsyncGenerator<Batch> {
  const { signal, maxBytes } = options
  const iterator = source[Symbol.asyncIterator]()
  let chunks: Uint8Array[] = []
  let bytes = 0
  let room = maxBytes - (options.offset % maxBytes)
  let failure: { readonly err: unknown } | undefined
  let ended = false
  const batch = (): Batch => {
    const made = { chunks, bytes }
    room = bytes === room ? maxBytes : room - bytes
    chunks = []
    bytes = 0
    return made
  }
  try {
    while (!ended && failure === undefined) {
      let rest: Uint8Array = new Uint8Array(0)
      try {
        const next = await abortable(iterator.next(), signal)
        ended = next.done === true
        if (next.done !== true) rest = next.value
      } catch (err) {
        failure = { err }
      }
      while (rest.length > 0) {
        const part = rest.subarray(0, room - bytes)
        rest = rest.subarray(part.length)
        chunks.push(part)
        bytes += part.length
        if (bytes === room || chunks.length === MAX_CHUNKS) yield batch()
      }
    }
    if (bytes > 0) yield batch()
  } finally {
    // Not awaited: a source that hangs would block a caller that has just given up.
    if (!ended) iterator.return?.().catch(() => undefined)
  }
  if (failure !== undefined) throw failure.err
}
