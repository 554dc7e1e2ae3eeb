import { type ByteRange, releasedLength } from '../../../lib/core/index.ts'
import type { PartialBlob } from '../../../lib/store/index.ts'

/** Bytes read from the disk at a time, where as many are there. */
const SLICE_BYTES = 1024 * 1024

/**
 * The bytes of `range`, slice by slice at the reader's pace; a slice ends with its first piece, or with the last of the
 * pieces behind it that are there already. It is read after `ready` has resolved for it. Meanwhile neither the partial blob nor the blob that it becomes is evicted.
 */
export async function* partialBytes(
  partial: PartialBlob,
  range: ByteRange,
  ready: (slice: ByteRange) => Promise<void> = () => Promise.resolve(),
): AsyncGenerator<Uint8Array> {
  const release = partial.lease()
  try {
    for (let at = range.start; at < range.end; ) {
      const slice = { start: at, end: Math.min(endAtHand(partial, at), range.end, at + SLICE_BYTES) }
      await ready(slice)
      yield await partial.read(slice)
      at = slice.end
    }
  } finally {
    release()
  }
}

/** How far the pieces reach that can be read together with the one at `at`. */
function endAtHand({ map, have }: PartialBlob, at: number): number {
  let piece = map.pieceAt(at)
  // What is withheld is read apart, since it may have to wait.
  const limit = Math.min(at + SLICE_BYTES, releasedLength(map.length, false))
  while (map.rangeOf(piece + 1).end <= limit && have.has(piece + 1)) piece += 1
  return map.rangeOf(piece).end
}
