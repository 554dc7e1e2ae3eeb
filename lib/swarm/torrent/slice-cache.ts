import { byteCache } from '../../base/index.ts'
import type { ByteRange, PieceMap } from '../../core/index.ts'

/** Files are read in slices of this many bytes; it divides every piece length. */
export const SLICE_LENGTH = 1024 * 1024

/** What slices are read from. */
export interface SliceSource {
  /** Names the content in the cache. */
  readonly key: string
  readonly map: PieceMap
  read(range: ByteRange): Promise<Uint8Array>
}

/**
 * Slices of blobs read or verified a moment ago, bounded in bytes: the blocks of one piece, asked for one after the other
 * by several peers and readers, cost one read of the file. What it hands out is shared; nobody writes to it.
 */
export interface SliceCache {
  /** The bytes of `range`; a view of the slice when the range lies within one. Concurrent reads of a slice are one. */
  read(source: SliceSource, range: ByteRange): Promise<Uint8Array>
  /** Keeps the bytes of a piece that has just been written. */
  keep(source: SliceSource, piece: number, bytes: Uint8Array): void
}

interface Slice {
  readonly bytes: Promise<Uint8Array>
  readonly length: number
}

export function sliceCache(maxBytes: number): SliceCache {
  const cache = byteCache<Slice>(maxBytes, (slice) => slice.length)

  const load = (source: SliceSource, index: number): Promise<Uint8Array> => {
    const key = `${source.key}/${index}`
    const known = cache.get(key)
    if (known !== undefined) return known.bytes
    const start = index * SLICE_LENGTH
    const end = Math.min(source.map.length, start + SLICE_LENGTH)
    const bytes = source.read({ start, end })
    cache.set(key, { bytes, length: end - start })
    bytes.catch(() => cache.delete(key))
    return bytes
  }

  return {
    async read(source, range) {
      const first = Math.floor(range.start / SLICE_LENGTH)
      const last = Math.floor((range.end - 1) / SLICE_LENGTH)
      const base = first * SLICE_LENGTH
      if (first === last) return (await load(source, first)).subarray(range.start - base, range.end - base)
      const slices: Uint8Array[] = []
      for (let index = first; index <= last; index += 1) slices.push(await load(source, index))
      return Buffer.concat(slices).subarray(range.start - base, range.end - base)
    },
    keep(source, piece, bytes) {
      const { start } = source.map.rangeOf(piece)
      for (let at = 0; at < bytes.length; at += SLICE_LENGTH) {
        const slice = bytes.subarray(at, Math.min(bytes.length, at + SLICE_LENGTH))
        const key = `${source.key}/${(start + at) / SLICE_LENGTH}`
        cache.set(key, { bytes: Promise.resolve(slice), length: slice.length })
      }
    },
  }
}
