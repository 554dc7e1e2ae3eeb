import { appError, Bitset } from '../../base/index.ts'
import type { PieceMap } from '../../core/index.ts'
import { swarmLimits } from '../limits.ts'
import type { IdleCount } from './idle-count.ts'
import { MESSAGE, readUint32, type WireBlock } from './messages.ts'

/** What to do with a well-formed message. */
export type Verdict = 'pass' | 'drop'

/** Checks messages before anything acts on them. There is one for each swarm of a connection. */
export interface FrameGuard {
  /**
   * `pass`: well-formed and new. `drop`: irrelevant. Not for request, piece, cancel, reject and extended messages.
   * @throws WIRE_FRAME_INVALID
   */
  judge(id: number, body: Uint8Array): Verdict
  /** The pieces among these that the other side had not told before. @throws WIRE_FRAME_INVALID */
  judgeHaves(pieces: readonly number[]): readonly number[]
  /** @throws WIRE_FRAME_INVALID when the block is not inside its piece, or is empty or too long */
  checkBlock(block: WireBlock): void
}

export interface FrameGuardInit {
  readonly map: PieceMap
  /** True when both sides support BEP 6. */
  readonly fast: boolean
  /** A stock client: some of these (aria2) tell all that they have anew in place of many HAVEs. */
  readonly foreign: boolean
  /** Counts messages that tell nothing new. */
  readonly idle: IdleCount
}

const invalid = (message: string, detail?: Readonly<Record<string, unknown>>) =>
  appError('WIRE_FRAME_INVALID', { message, ...(detail === undefined ? {} : { detail }) })

export function frameGuard(init: FrameGuardInit): FrameGuard {
  return new Guard(init)
}

class Guard implements FrameGuard {
  readonly #map: PieceMap
  readonly #fast: boolean
  readonly #foreign: boolean
  readonly #have: Bitset
  readonly #idle: IdleCount
  #mayTellAll = true

  constructor({ map, fast, foreign, idle }: FrameGuardInit) {
    this.#map = map
    this.#fast = fast
    this.#foreign = foreign
    this.#idle = idle
    this.#have = new Bitset(map.count)
  }

  judge(id: number, body: Uint8Array): Verdict {
    if (id === MESSAGE.port) return this.#ignore()
    if (id === MESSAGE.bitfield || id === MESSAGE.haveAll || id === MESSAGE.haveNone) return this.#tellAll(id, body)
    this.#mayTellAll = false
    switch (id) {
      case MESSAGE.choke:
      case MESSAGE.unchoke:
      case MESSAGE.interested:
      case MESSAGE.uninterested:
        return 'pass'
      case MESSAGE.have:
        return this.#one(this.#index(body))
      case MESSAGE.suggest:
        this.#needFast(id)
        this.#index(body)
        return 'pass'
      case MESSAGE.allowedFast:
        this.#needFast(id)
        this.#index(body)
        return this.#ignore()
      default:
        return this.#ignore()
    }
  }

  judgeHaves(pieces: readonly number[]): readonly number[] {
    this.#mayTellAll = false
    const last = pieces.at(-1) ?? this.#map.count
    if (last >= this.#map.count) throw invalid('a message names a piece that does not exist', { piece: last })
    const fresh = pieces.filter((piece) => this.#have.add(piece))
    if (fresh.length === 0) this.#idle.add()
    return fresh
  }

  checkBlock({ piece, offset, length }: WireBlock): void {
    this.#mayTellAll = false
    if (length === 0 || length > swarmLimits.maxBlockLength) throw invalid('a block has a wrong length', { length })
    // A piece outside the blob has a size of 0.
    if (offset + length > this.#map.sizeOf(piece)) {
      throw invalid('a block extends beyond its piece', { piece, offset, length })
    }
  }

  #ignore(): Verdict {
    this.#idle.add()
    return 'drop'
  }

  #index(body: Uint8Array): number {
    const piece = readUint32(body, 0)
    if (piece >= this.#map.count) throw invalid('a message names a piece that does not exist', { piece })
    return piece
  }

  #needFast(id: number): void {
    if (!this.#fast) throw invalid('a message of the fast extension came without the extension', { id })
  }

  #one(piece: number): Verdict {
    return this.#have.add(piece) ? 'pass' : this.#ignore()
  }

  /**
   * Bitfield, have-all and have-none may come once, before any other message except extended ones. A stock client's may
   * come again, but each is work, so not often.
   */
  #tellAll(id: number, body: Uint8Array): Verdict {
    if (!this.#mayTellAll) {
      if (!this.#foreign) throw invalid('the bitfield came late', { id })
      this.#idle.add()
    }
    this.#mayTellAll = false
    if (id !== MESSAGE.bitfield) this.#needFast(id)
    const spare = body.length * 8 - this.#map.count
    if (id === MESSAGE.bitfield && ((body.at(-1) ?? 0) & ((1 << spare) - 1)) !== 0) {
      throw invalid('the spare bits of a bitfield must be zero')
    }
    for (let piece = 0; piece < this.#map.count; piece += 1) {
      if (id === MESSAGE.haveAll || ((body[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0) this.#have.add(piece)
    }
    return 'pass'
  }
}
