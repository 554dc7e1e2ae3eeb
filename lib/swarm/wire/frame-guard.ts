import { appError, Bitset } from '../../base/index.ts'
import type { PieceMap } from '../../core/index.ts'
import { type BencodeValue, decodeBencode, isBencodeDictionary } from '../../metainfo/index.ts'
import { swarmLimits } from '../limits.ts'
import { MESSAGE, readUint32, type WireBlock } from './messages.ts'

/** What to do with a well-formed message. */
export type Verdict = 'pass' | 'drop'

/** Checks messages before anything acts on them. There is one for each connection. */
export interface FrameGuard {
  /**
   * `pass`: well-formed and new; may be given to the protocol library. `drop`: irrelevant. Not for request, piece,
   * cancel and reject.
   * @throws WIRE_FRAME_INVALID
   */
  judge(id: number, body: Uint8Array): Verdict
  /** @throws WIRE_FRAME_INVALID when the block is not inside its piece, or is empty or too long */
  checkBlock(block: WireBlock): void
  /** True after the extension handshake has come. */
  readonly sawExtended: boolean
  /** Counts a message that tells nothing new. @throws WIRE_FRAME_INVALID when there are too many per minute */
  countIdle(): void
  /** Call it every minute; resets the count. */
  forgetIdle(): void
}

export interface FrameGuardInit {
  readonly map: PieceMap
  /** True when both sides support BEP 6. */
  readonly fast: boolean
}

const invalid = (message: string, detail?: Readonly<Record<string, unknown>>) =>
  appError('WIRE_FRAME_INVALID', { message, ...(detail === undefined ? {} : { detail }) })

export function frameGuard(init: FrameGuardInit): FrameGuard {
  return new Guard(init)
}

class Guard implements FrameGuard {
  readonly #map: PieceMap
  readonly #fast: boolean
  readonly #have: Bitset
  #mayTellAll = true
  sawExtended = false
  #idle = 0

  constructor({ map, fast }: FrameGuardInit) {
    this.#map = map
    this.#fast = fast
    this.#have = new Bitset(map.count)
  }

  judge(id: number, body: Uint8Array): Verdict {
    if (id === MESSAGE.extended) return this.#extended(body)
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

  checkBlock({ piece, offset, length }: WireBlock): void {
    this.#mayTellAll = false
    if (length === 0 || length > swarmLimits.maxBlockLength) throw invalid('a block has a wrong length', { length })
    // A piece outside the blob has a size of 0.
    if (offset + length > this.#map.sizeOf(piece)) {
      throw invalid('a block extends beyond its piece', { piece, offset, length })
    }
  }

  countIdle(): void {
    this.#idle += 1
    if (this.#idle > swarmLimits.maxIdleMessages) throw invalid('too many messages tell nothing new')
  }

  forgetIdle(): void {
    this.#idle = 0
  }

  #ignore(): Verdict {
    this.countIdle()
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

  /** Bitfield, have-all and have-none may come once, before any other message except extended ones. */
  #tellAll(id: number, body: Uint8Array): Verdict {
    if (!this.#mayTellAll) throw invalid('the bitfield came late', { id })
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

  /**
   * Only the handshake of BEP 10 matters, once: we offer no other extended message. The library turns every value of
   * `m` into a number by calling `toString` on it, so a peer could crash us with a dictionary there.
   */
  #extended(body: Uint8Array): Verdict {
    if (body[0] !== 0 || this.sawExtended) return this.#ignore()
    this.sawExtended = true
    const value = decodeHello(body.subarray(1))
    if (!isBencodeDictionary(value)) throw invalid('the extension handshake is not a dictionary')
    const { m: names } = value
    if (names === undefined) return 'pass'
    if (!isBencodeDictionary(names) || !Object.values(names).every(isMessageId)) {
      throw invalid('the extension handshake names no message ids')
    }
    return 'pass'
  }
}

function isMessageId(value: BencodeValue): boolean {
  return typeof value === 'number' && value >= 0 && value <= 255
}

function decodeHello(bytes: Uint8Array): BencodeValue {
  try {
    return decodeBencode(bytes, { maxBytes: swarmLimits.maxExtendedLength, maxDepth: 8 })
  } catch (err) {
    throw appError('WIRE_FRAME_INVALID', { message: 'the extension handshake is not canonical bencode', cause: err })
  }
}
