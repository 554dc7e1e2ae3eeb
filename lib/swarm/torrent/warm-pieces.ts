import type { ByteRange, PieceMap } from '../../core/index.ts'

/** A piece in memory; `free` is called once, when nobody here reads it any more. */
export interface WarmPiece {
  readonly bytes: Uint8Array
  readonly free: () => void
}

/**
 * Pieces that have just been stored, in the memory in which they arrived: readers and peers that ask for them next take
 * them from there and not from the disk. Bounded in bytes, all torrents together. What lies in front of a reader stays;
 * of the rest, which peers may still ask for, the oldest makes room.
 */
export interface WarmPieces {
  /** Takes the piece over, or frees it at once when there is no room. */
  keep(key: string, piece: number, warm: WarmPiece, aheadOfReader: boolean): void
  /** Fills `into`, as long as `range`; false when that does not lie in one piece that is here. */
  read(source: { readonly key: string; readonly map: PieceMap }, range: ByteRange, into: Uint8Array): boolean
  /** The reader in front of which it lay has gone on; without `piece`, all of them have gone. */
  passed(key: string, piece?: number): void
  /** Frees everything of the blob. */
  drop(key: string): void
}

interface Entry extends WarmPiece {
  readonly key: string
  readonly piece: number
}

const idOf = (key: string, piece: number) => `${key}/${piece}`

export function warmPieces(maxBytes: number): WarmPieces {
  const ahead = new Map<string, Entry>()
  /** Oldest first. */
  const behind = new Map<string, Entry>()
  let used = 0

  const remove = (entries: Map<string, Entry>, id: string, { bytes, free }: Entry) => {
    entries.delete(id)
    used -= bytes.length
    free()
  }

  const makeRoom = (bytes: number): boolean => {
    for (const [id, entry] of behind) {
      if (used + bytes <= maxBytes) break
      remove(behind, id, entry)
    }
    return used + bytes <= maxBytes
  }

  return {
    keep(key, piece, { bytes, free }, aheadOfReader) {
      const id = idOf(key, piece)
      if (ahead.has(id) || behind.has(id) || !makeRoom(bytes.length)) {
        free()
        return
      }
      used += bytes.length
      const entries = aheadOfReader ? ahead : behind
      entries.set(id, { key, piece, bytes, free })
    },
    read({ key, map }, range, into) {
      const piece = map.pieceAt(range.start)
      const { start, end } = map.rangeOf(piece)
      const id = idOf(key, piece)
      const found = range.end <= end ? (ahead.get(id) ?? behind.get(id)) : undefined
      if (found === undefined) return false
      into.set(found.bytes.subarray(range.start - start, range.end - start))
      return true
    },
    passed(key, piece) {
      for (const entry of piece === undefined ? [...ahead.values()] : [ahead.get(idOf(key, piece))]) {
        if (entry?.key !== key) continue
        const id = idOf(key, entry.piece)
        ahead.delete(id)
        behind.set(id, entry)
      }
    },
    drop(key) {
      for (const entries of [ahead, behind]) {
        for (const [id, entry] of entries) if (entry.key === key) remove(entries, id, entry)
      }
    },
  }
}
