import type { ByteRange } from '../../../lib/core/index.ts'
import type { PartialBlob } from '../../../lib/store/index.ts'

/** Bytes read from the disk at a time; a piece may be longer. */
const SLICE_BYTES = 1024 * 1024

/**
 * The bytes of `range`, slice by slice at the reader's pace; no slice crosses the end of a piece. A slice is read after
 * `ready` has resolved for it. Meanwhile neither the partial blob nor the blob that it becomes is evicted.
 */
export async function* partialBytes(
  partial: PartialBlob,
  range: ByteRange,
  ready: (slice: ByteRange) => Promise<void> = () => Promise.resolve(),
): AsyncGenerator<Uint8Array> {
  const release = partial.lease()
  try {
    for (let at = range.start; at < range.end; ) {
      const { end } = partial.map.rangeOf(partial.map.pieceAt(at))
      const slice = { start: at, end: Math.min(end, range.end, at + SLICE_BYTES) }
      await ready(slice)
      yield await partial.read(slice)
      at = slice.end
    }
  } finally {
    release()
  }
}
