import { appError, copyBytes, type SharedBlocks } from '../../../lib/base/index.ts'
import type { ByteRange, PieceMap } from '../../../lib/core/index.ts'

/** Bytes of one blob that come from one source, in their order: whole pieces, one after the other. */
export interface IntakePart {
  /** The bytes that it may take. */
  readonly range: ByteRange
  /** Position of the next byte. */
  readonly offset: number
  /**
   * Takes bytes from `offset` on, to the end of the range, or up to a piece that comes or has come from elsewhere; then
   * `body` is left unread. What came before a failure stays, and the next call goes on there.
   * @throws PEER_CLOSED when `body` ends early, SIZE_INVALID when it is too long, STORE_FULL, or what `body` throws
   */
  take(body: AsyncIterable<Uint8Array>): Promise<void>
  /** Lets go of the pieces that have not come, once what has come is stored or has failed. Never throws. */
  close(): Promise<void>
}

/** The intake that a part belongs to. */
export interface PartHost {
  readonly map: PieceMap
  readonly blocks: SharedBlocks
  /** Reserves a piece for this part; false when it is here, or reserved for another part. */
  claim(piece: number, by: IntakePart): boolean
  /** Gives back what is reserved for this part. */
  release(by: IntakePart): void
  /** Hashes and stores a piece that is reserved. @throws STORE_FULL */
  store(piece: number, bytes: Uint8Array): Promise<void>
}

interface OpenPiece {
  readonly index: number
  /** The memory, which goes back when the piece is stored, and the part of it that the piece fills. */
  readonly block: Uint8Array
  readonly bytes: Uint8Array
  filled: number
}

class Part implements IntakePart {
  readonly range: ByteRange
  readonly #host: PartHost
  #offset: number
  #piece: OpenPiece | undefined
  /** The previous piece may still be hashed and written: so a part needs the memory of two pieces. */
  #writing: Promise<void> = Promise.resolve()

  constructor(host: PartHost, range: ByteRange) {
    this.#host = host
    this.range = range
    this.#offset = range.start
  }

  get offset() {
    return this.#offset
  }

  async take(body: AsyncIterable<Uint8Array>): Promise<void> {
    let isMet = false
    for await (const chunk of body) {
      isMet = (await this.#push(chunk)) === 'met'
      if (isMet) break
    }
    await this.#writing
    if (isMet || this.#offset >= this.range.end) return
    const detail = { end: this.range.end, offset: this.#offset }
    throw appError('PEER_CLOSED', { message: 'the source ended early', detail })
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined)
    if (this.#piece !== undefined) this.#host.blocks.give(this.#piece.block)
    this.#piece = undefined
    this.#host.release(this)
  }

  async #push(chunk: Uint8Array): Promise<'taken' | 'met'> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#offset >= this.range.end) {
        throw appError('SIZE_INVALID', { detail: { end: this.range.end, tooMuch: chunk.length - at } })
      }
      const piece = this.#next()
      if (piece === undefined) return 'met'
      const part = chunk.subarray(at, at + piece.bytes.length - piece.filled)
      copyBytes(piece.bytes.subarray(piece.filled), part)
      piece.filled += part.length
      this.#offset += part.length
      at += part.length
      if (piece.filled === piece.bytes.length) await this.#finish(piece)
    }
    return 'taken'
  }

  /** The piece at `offset`; undefined when it comes or has come from elsewhere. */
  #next(): OpenPiece | undefined {
    if (this.#piece !== undefined) return this.#piece
    const { map, blocks } = this.#host
    const index = map.pieceAt(this.#offset)
    if (!this.#host.claim(index, this)) return undefined
    const block = blocks.take()
    this.#piece = { index, block, bytes: block.subarray(0, map.sizeOf(index)), filled: 0 }
    return this.#piece
  }

  async #finish(piece: OpenPiece): Promise<void> {
    this.#piece = undefined
    const before = this.#writing
    this.#writing = this.#store(piece, before)
    // The next piece awaits this one and throws its failure.
    this.#writing.catch(() => undefined)
    await before
  }

  async #store({ index, block, bytes }: OpenPiece, before: Promise<void>): Promise<void> {
    try {
      await before
      await this.#host.store(index, bytes)
    } finally {
      this.#host.blocks.give(block)
    }
  }
}

/** A part that takes `range`, from the start of a piece to the end of one, as far as its pieces are missing. */
export function intakePart(host: PartHost, range: ByteRange): IntakePart {
  return new Part(host, range)
}
