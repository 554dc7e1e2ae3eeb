import type { PieceMap } from '../../../core/index.ts'
import type { ReaderWindow } from '../../picker/index.ts'
import type { OverflowShares } from '../shared/overflow-shares.ts'

/** A piece that the disk has refused. */
export interface KeptPiece {
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
}

/**
 * Keeps pieces in memory while the disk is full: readers get their bytes, but peers are not offered these pieces.
 * Unlike the cache of warm pieces, these are not on disk.
 */
export interface PieceOverflow {
  /**
   * When the disk refused the last piece: how many pieces in front of each reader are worth fetching now. Undefined
   * while it takes them.
   */
  readonly reach: number | undefined
  get(piece: number): Uint8Array | undefined
  /** The lowest piece that is kept; undefined when none is. */
  readonly first: (KeptPiece & { readonly piece: number }) | undefined
  /**
   * Keeps a copy of a piece; when there is no room, drops pieces that no reader will reach, then those furthest ahead.
   */
  put(piece: number, kept: KeptPiece, windows: readonly ReaderWindow[]): void
  /** The disk took a piece again: a kept one, which is kept no longer, or another one. */
  relieve(piece: number): void
  /** Keeps nothing any more. */
  close(): void
}

export function pieceOverflow(
  map: PieceMap,
  shares: OverflowShares,
  onDropped: (piece: number) => void,
): PieceOverflow {
  const kept = new Map<number, KeptPiece>()
  let active = false
  let leave: (() => void) | undefined
  let readers: readonly ReaderWindow[] = []

  /** Pieces; one at least, so that each reader gets on. */
  const room = () => Math.max(1, Math.floor(shares.bytes / map.pieceLength))

  /** How far ahead of the nearest reader a piece is; Infinity when no reader needs it. */
  const distance = (piece: number, windows: readonly ReaderWindow[]): number => {
    let nearest = Number.POSITIVE_INFINITY
    for (const { next, end } of windows) if (piece >= next && piece < end) nearest = Math.min(nearest, piece - next)
    return nearest
  }

  const trim = () => {
    while (kept.size > room()) {
      const furthest = [...kept.keys()].reduce((a, b) => (distance(b, readers) > distance(a, readers) ? b : a))
      kept.delete(furthest)
      onDropped(furthest)
    }
  }

  return {
    get reach() {
      // Half of the room is for pieces that are still being fetched.
      return active ? Math.ceil(room() / 2) : undefined
    },
    get: (piece) => kept.get(piece)?.bytes,
    get first() {
      const piece = Math.min(...kept.keys())
      const found = kept.get(piece)
      return found && { piece, ...found }
    },
    put(piece, { bytes, hash }, windows) {
      active = true
      readers = windows
      leave ??= shares.join(trim)
      kept.set(piece, { bytes: bytes.slice(), hash: hash.slice() })
      trim()
    },
    relieve(piece) {
      active = false
      kept.delete(piece)
    },
    close() {
      kept.clear()
      leave?.()
      leave = undefined
    },
  }
}
