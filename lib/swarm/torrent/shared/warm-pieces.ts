import type { ByteRange, PieceMap } from '../../../core/index.ts'
import type { Loan } from './loan.ts'

/** A piece in memory; call `free` once, when nobody here reads it any more. */
export interface WarmPiece {
  readonly bytes: Uint8Array
  /** What it holds of the bound: all of its memory, of which a last piece fills only the beginning. */
  readonly heldBytes: number
  readonly free: () => void
}

/**
 * Pieces that were just stored, in the memory in which they arrived: the next readers and peers get them from there
 * instead of the disk. Limited in bytes, for all torrents together. Pieces in front of a reader stay; of the others,
 * which peers may still request, the oldest is removed first.
 */
export interface WarmPieces {
  /** Takes the piece over, or frees it at once when there is no room. */
  keep(key: string, piece: number, warm: WarmPiece, aheadOfReader: boolean): void
  /**
   * Bytes from the start of `range`, as many as are in its first piece, not copied; undefined when the piece is not
   * here, or when much is lent already, because lent memory cannot be freed.
   */
  lend(source: { readonly key: string; readonly map: PieceMap }, range: ByteRange): Loan | undefined
  /** The reader for which the piece was kept has moved on; without `piece`, all readers have gone. */
  passed(key: string, piece?: number): void
  /** Frees everything of the blob. */
  drop(key: string): void
  /**
   * Somebody needs the memory more: frees one piece that is not lent, the oldest that every reader has passed, or else
   * the one that came last. False when there is none.
   */
  spare(): boolean
}

interface Entry extends WarmPiece {
  readonly key: string
  readonly piece: number
  /** Loans that have not been given back. */
  users: number
  dropped: boolean
}

/** Share of the limit that may be lent at a time. */
const LENT_SHARE = 0.5

const isNotLent = ([, { users }]: readonly [string, Entry]) => users === 0

const idOf = (key: string, piece: number) => `${key}/${piece}`

export function warmPieces(maxBytes: number): WarmPieces {
  return new Warm(maxBytes)
}

class Warm implements WarmPieces {
  readonly #maxBytes: number
  readonly #ahead = new Map<string, Entry>()
  /** Oldest first. */
  readonly #behind = new Map<string, Entry>()
  #usedBytes = 0
  #lentBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  keep(key: string, piece: number, warm: WarmPiece, aheadOfReader: boolean): void {
    const id = idOf(key, piece)
    if (this.#get(id) !== undefined || !this.#makeRoom(warm.heldBytes)) {
      warm.free()
      return
    }
    this.#usedBytes += warm.heldBytes
    const entries = aheadOfReader ? this.#ahead : this.#behind
    entries.set(id, { ...warm, key, piece, users: 0, dropped: false })
  }

  lend({ key, map }: { readonly key: string; readonly map: PieceMap }, range: ByteRange): Loan | undefined {
    const piece = map.pieceAt(range.start)
    const { start, end } = map.rangeOf(piece)
    const found = this.#get(idOf(key, piece))
    if (found === undefined || !this.#borrow(found)) return undefined
    const bytes = found.bytes.subarray(range.start - start, Math.min(range.end, end) - start)
    return { bytes, release: () => this.#giveBack(found) }
  }

  passed(key: string, piece?: number): void {
    for (const entry of piece === undefined ? [...this.#ahead.values()] : [this.#ahead.get(idOf(key, piece))]) {
      if (entry?.key !== key) continue
      const id = idOf(key, entry.piece)
      this.#ahead.delete(id)
      this.#behind.set(id, entry)
    }
  }

  drop(key: string): void {
    for (const entries of [this.#ahead, this.#behind]) {
      for (const [id, entry] of entries) if (entry.key === key) this.#remove(entries, id, entry)
    }
  }

  spare(): boolean {
    return (
      this.#spareOne(this.#behind, [...this.#behind].find(isNotLent)) ||
      this.#spareOne(this.#ahead, [...this.#ahead].findLast(isNotLent))
    )
  }

  #spareOne(entries: Map<string, Entry>, found: readonly [string, Entry] | undefined): boolean {
    if (found !== undefined) this.#remove(entries, ...found)
    return found !== undefined
  }

  #get(id: string): Entry | undefined {
    return this.#ahead.get(id) ?? this.#behind.get(id)
  }

  #makeRoom(bytes: number): boolean {
    for (const [id, entry] of this.#behind) {
      if (this.#usedBytes + bytes <= this.#maxBytes) break
      if (entry.users === 0) this.#remove(this.#behind, id, entry)
    }
    return this.#usedBytes + bytes <= this.#maxBytes
  }

  #remove(entries: Map<string, Entry>, id: string, entry: Entry): void {
    entries.delete(id)
    entry.dropped = true
    if (entry.users === 0) this.#free(entry)
  }

  #borrow(entry: Entry): boolean {
    const size = entry.heldBytes
    if (entry.users === 0) {
      if (this.#lentBytes + size > this.#maxBytes * LENT_SHARE) return false
      this.#lentBytes += size
    }
    entry.users += 1
    return true
  }

  #giveBack(entry: Entry): void {
    entry.users -= 1
    if (entry.users > 0) return
    this.#lentBytes -= entry.heldBytes
    if (entry.dropped) this.#free(entry)
  }

  #free(entry: Entry): void {
    this.#usedBytes -= entry.heldBytes
    entry.free()
  }
}
