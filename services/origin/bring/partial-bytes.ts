import type { ByteRange, PieceMap } from '../../../lib/core/index.ts'
import { type PartialBlob, sliceLengths } from '../../../lib/store/index.ts'

/** How bytes are read that still come. */
export interface PartialReading {
  /** Waits until the byte at `offset` may be read; until then the range holds no memory. Default: all may be read. */
  readonly ready?: ((offset: number) => Promise<void>) | undefined
  /** Whether a piece may be read without waiting; default: when it is here. */
  readonly has?: ((piece: number) => boolean) | undefined
  /** Bytes from the front that may be read before the rest; default: all. */
  readonly released?: number | undefined
  /** Reads a slice when it is its turn; default: at once. */
  readonly inTurn?: ((read: () => Promise<Uint8Array>) => Promise<Uint8Array>) | undefined
}

/**
 * The bytes of `range`, slice by slice at the reader's pace, each read after `ready` has resolved for its first byte. A
 * slice ends with the last piece that is there already, before what is withheld, and is small while many others are held
 * in memory. Meanwhile neither the partial blob nor the blob that it becomes is evicted.
 */
export async function* partialBytes(
  partial: PartialBlob,
  range: ByteRange,
  { ready = () => Promise.resolve(), inTurn = (read) => read(), ...given }: PartialReading = {},
): AsyncGenerator<Uint8Array> {
  const { has = (piece: number) => partial.have.has(piece), released = partial.map.length } = given
  const release = partial.lease()
  const lengths = sliceLengths()
  try {
    for (let at = range.start; at < range.end; ) {
      if (!has(partial.map.pieceAt(at))) lengths.end()
      await ready(at)
      const most = at + lengths.next(range.end - at)
      const slice = {
        start: at,
        end: Math.min(
          range.end,
          endAtHand(partial.map, has, { at, most: at < released ? Math.min(most, released) : most }),
        ),
      }
      yield await inTurn(() => partial.read(slice))
      at = slice.end
    }
  } finally {
    lengths.end()
    release()
  }
}

/** How far, at most to `most`, bytes can be read together with the one at `at`. */
function endAtHand(
  map: PieceMap,
  has: (piece: number) => boolean,
  { at, most }: { readonly at: number; readonly most: number },
): number {
  let piece = map.pieceAt(at)
  while (map.rangeOf(piece).end < most && has(piece + 1)) piece += 1
  return Math.min(most, map.rangeOf(piece).end)
}
