import type { PieceMap } from '../../core/index.ts'
import { HASH_LENGTH } from '../../core/index.ts'

/**
 * The `map` file of a partial blob: one record of 64 bytes for each piece. No record crosses a page or a sector, so the
 * write of a record is atomic.
 *
 * 0..31   SHA-256 of the piece
 * 32      state: 0 missing, 1 written, 2 written and synced
 * 33..63  zero
 *
 * A record is written after the data of its piece, and becomes `synced` only after an fdatasync of the data. So every
 * record is true after the process dies, and every `synced` record is true after a power loss.
 */
export const RECORD_BYTES = 64

const STATE_AT = 32

export const pieceStates = { missing: 0, written: 1, synced: 2 } as const

export type PieceState = keyof typeof pieceStates

/** The records of one partial blob in memory, as the file should have them. */
export class PieceLog {
  readonly bytes: Buffer
  readonly #map: PieceMap

  /** Takes the records in `content`; pieces beyond its end count as missing. */
  constructor(map: PieceMap, content: Uint8Array = new Uint8Array(0)) {
    this.#map = map
    this.bytes = Buffer.alloc(map.count * RECORD_BYTES)
    this.bytes.set(content.subarray(0, this.bytes.length))
  }

  state(piece: number): PieceState {
    const value = this.bytes[piece * RECORD_BYTES + STATE_AT]
    if (value === pieceStates.written) return 'written'
    return value === pieceStates.synced ? 'synced' : 'missing'
  }

  hash(piece: number): Uint8Array {
    return this.bytes.subarray(piece * RECORD_BYTES, piece * RECORD_BYTES + HASH_LENGTH)
  }

  set(piece: number, state: PieceState, hash: Uint8Array = this.hash(piece)): void {
    this.bytes.set(hash, piece * RECORD_BYTES)
    this.bytes[piece * RECORD_BYTES + STATE_AT] = pieceStates[state]
  }

  /** The pieces whose state is one of `states`. */
  pieces(...states: readonly PieceState[]): number[] {
    const found: number[] = []
    for (let piece = 0; piece < this.#map.count; piece += 1) if (states.includes(this.state(piece))) found.push(piece)
    return found
  }
}
