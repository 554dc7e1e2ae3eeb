import { appError, copyBytes } from '../../base/index.ts'
import { type LengthRule, MESSAGE, PIECE_HEADER, readUint32, type WireBlock } from './messages.ts'

/** Where the payload of a `piece` is written; undefined drops it. May change while the payload arrives. */
export interface BlockTarget {
  into: Uint8Array | undefined
}

/** Receives what the reader finds, in order. A thrown error refuses the message and ends the reading. */
export interface FrameSink {
  onKeepAlive(): void
  /** A whole message with a checked length. `body` is what follows the id; it is valid only during the call. */
  onMessage(id: number, body: Uint8Array): void
  /** A `piece` message begins; returns where its payload is written. */
  onBlockStart(block: WireBlock): BlockTarget
  onBlockEnd(target: BlockTarget): void
}

/** Cuts a byte stream into messages. Holds at most one control message, and never the payload of a `piece`. */
export interface FrameReader {
  /** @throws WIRE_FRAME_INVALID and what the sink throws; then nothing more may be pushed */
  push(chunk: Uint8Array): void
  /** Delivers nothing more, not even from the current chunk. */
  stop(): void
  /** The kind of the incomplete message, if any. */
  readonly unfinished: 'none' | 'control' | 'block'
  /** Number of complete messages; only grows. */
  readonly count: number
}

export function frameReader(rules: (id: number) => LengthRule, sink: FrameSink): FrameReader {
  return new Reader(rules, sink)
}

const EMPTY = new Uint8Array(0)
const LENGTH_BYTES = 4
const ID_BYTES = 5

class Reader implements FrameReader {
  readonly #rules: (id: number) => LengthRule
  readonly #sink: FrameSink
  /** Length, id, and for a `piece` its index and offset. */
  readonly #head = Buffer.alloc(PIECE_HEADER)
  #headNeeds = LENGTH_BYTES
  /** The body of a control message that arrives in several chunks. */
  #body: Uint8Array | undefined
  #target: BlockTarget | undefined
  #bodyLength = 0
  /** Number of bytes of the current part that have arrived. */
  #filled = 0
  #stopped = false
  count = 0

  constructor(rules: (id: number) => LengthRule, sink: FrameSink) {
    this.#rules = rules
    this.#sink = sink
  }

  get unfinished(): 'none' | 'control' | 'block' {
    if (this.#target !== undefined) return 'block'
    return this.#body !== undefined || this.#filled > 0 || this.#headNeeds > LENGTH_BYTES ? 'control' : 'none'
  }

  stop(): void {
    this.#stopped = true
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#stopped; ) {
      if (this.#target !== undefined) at = this.#takePayload(chunk, at, this.#target)
      else if (this.#body !== undefined) at = this.#takeBody(chunk, at, this.#body)
      else at = this.#takeHead(chunk, at)
    }
  }

  #takeHead(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#headNeeds - this.#filled)
    this.#head.set(chunk.subarray(at, end), this.#filled)
    this.#filled += end - at
    if (this.#filled < this.#headNeeds) return end
    const length = this.#head.readUInt32BE(0)
    if (this.#headNeeds === LENGTH_BYTES) this.#onLength(length)
    else if (this.#headNeeds === ID_BYTES) return this.#onId(length, chunk, end)
    else this.#onPieceHeader(length)
    return end
  }

  #onLength(length: number): void {
    if (length > 0) {
      this.#headNeeds = ID_BYTES
      return
    }
    this.#nextMessage()
    this.#sink.onKeepAlive()
  }

  #onId(length: number, chunk: Uint8Array, at: number): number {
    const id = this.#head.readUInt8(LENGTH_BYTES)
    const { min, max } = this.#rules(id)
    if (length < min || length > max) {
      throw appError('WIRE_FRAME_INVALID', { message: 'a message has the wrong length', detail: { id, length } })
    }
    this.#bodyLength = length - 1
    if (id === MESSAGE.piece) {
      this.#headNeeds = PIECE_HEADER
      return at
    }
    const end = at + this.#bodyLength
    if (end <= chunk.length) {
      this.#deliver(chunk.subarray(at, end))
      return end
    }
    this.#body = new Uint8Array(this.#bodyLength)
    this.#filled = 0
    return at
  }

  #onPieceHeader(length: number): void {
    const block = { piece: readUint32(this.#head, 5), offset: readUint32(this.#head, 9), length: length - 9 }
    this.#target = this.#sink.onBlockStart(block)
    this.#bodyLength = block.length
    this.#filled = 0
  }

  #takeBody(chunk: Uint8Array, at: number, body: Uint8Array): number {
    const end = Math.min(chunk.length, at + body.length - this.#filled)
    body.set(chunk.subarray(at, end), this.#filled)
    this.#filled += end - at
    if (this.#filled === body.length) this.#deliver(body)
    return end
  }

  #takePayload(chunk: Uint8Array, at: number, target: BlockTarget): number {
    const end = Math.min(chunk.length, at + this.#bodyLength - this.#filled)
    if (target.into !== undefined) copyBytes(target.into.subarray(this.#filled), chunk.subarray(at, end))
    this.#filled += end - at
    if (this.#filled === this.#bodyLength) {
      this.#nextMessage()
      this.#sink.onBlockEnd(target)
    }
    return end
  }

  #deliver(body: Uint8Array): void {
    const id = this.#head.readUInt8(LENGTH_BYTES)
    this.#nextMessage()
    this.#sink.onMessage(id, body.length === 0 ? EMPTY : body)
  }

  #nextMessage(): void {
    this.count += 1
    this.#headNeeds = LENGTH_BYTES
    this.#filled = 0
    this.#body = undefined
    this.#target = undefined
  }
}
