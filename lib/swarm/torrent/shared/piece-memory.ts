import { appError, copyBytes } from '../../../base/index.ts'
import type { PiecePool } from './piece-pool.ts'

/** Where the bytes of one request go. */
export interface Landing {
  readonly into: Uint8Array
  /**
   * Call it once, when the wire has finished the request, in whatever way: it writes nothing more to `into`. `kept`
   * means that the bytes are the block's content from now on.
   */
  end(kept: boolean): void
}

/**
 * The memory of one piece on its way, and the one place of this rule: **memory that a socket may still write into is
 * never memory that somebody else reads.** So it has one owner at a time:
 *
 * 1. While the piece is fetched, the wire: each request writes where its `Landing` says. One request for a block writes
 *    into the piece itself, so that no byte is copied in the usual case; every other one, and one that follows a request
 *    that was withdrawn but has not ended, writes into memory of its own and is copied when the place is free.
 * 2. `seal` hands the bytes to who checks, stores, lends and reads them, once no request is left that could write.
 * 3. `release` gives them back to the pool, and that waits too: what was withdrawn while its bytes are under way is in
 *    quarantine until the wire is done with it.
 *
 * The wire is done with a request when it has told its outcome, or was told to withdraw it (see `PeerConnection.request`).
 */
export class PieceMemory {
  readonly length: number
  readonly #bytes: Uint8Array
  readonly #pool: Pick<PiecePool, 'give'>
  /** Offsets of the blocks that a request may be writing in place. */
  readonly #writing = new Set<number>()
  /** Bytes of blocks, by offset, that wait until their place is free. */
  readonly #waiting = new Map<number, Uint8Array>()
  #onSealed: ((bytes: Uint8Array) => void) | undefined
  #state: 'open' | 'closed' | 'released' = 'open'

  /** `length` as long as the piece; not zeroed, since every byte is written before it is sealed. */
  constructor(pool: Pick<PiecePool, 'take' | 'give'>, length: number, capacity: number) {
    this.length = length
    this.#pool = pool
    this.#bytes = pool.take(length, capacity)
  }

  /** The place for one request of a block. Not after `seal` or `release`. */
  land(offset: number, length: number): Landing {
    this.#refuseUnlessOpen()
    if (this.#writing.has(offset)) return this.#aside(offset, length)
    this.#writing.add(offset)
    const end = (): void => {
      this.#writing.delete(offset)
      this.#fillIn(offset)
      this.#settle()
    }
    return { into: this.#bytes.subarray(offset, offset + length), end }
  }

  /** Copies bytes in at once. Not for blocks that are asked of peers, and not after `seal` or `release`. */
  write(offset: number, bytes: Uint8Array): void {
    this.#refuseUnlessOpen()
    copyBytes(this.#bytes.subarray(offset), bytes)
  }

  /**
   * Call it when every byte is here: `onSealed` gets the piece as soon as nothing can write into it any more, maybe at
   * once.
   */
  seal(onSealed: (bytes: Uint8Array) => void): void {
    this.#refuseUnlessOpen()
    this.#state = 'closed'
    this.#onSealed = onSealed
    this.#settle()
  }

  /** Nobody reads it any more; it goes back to the pool as soon as nothing can write into it. Idempotent. */
  release(): void {
    if (this.#state === 'released') return
    this.#state = 'released'
    this.#onSealed = undefined
    this.#waiting.clear()
    this.#settle()
  }

  #aside(offset: number, length: number): Landing {
    const into = Buffer.allocUnsafeSlow(length)
    const end = (kept: boolean): void => {
      if (!kept || this.#state !== 'open') return
      this.#waiting.set(offset, into)
      this.#fillIn(offset)
    }
    return { into, end }
  }

  #fillIn(offset: number): void {
    const bytes = this.#waiting.get(offset)
    if (bytes === undefined || this.#writing.has(offset)) return
    this.#waiting.delete(offset)
    copyBytes(this.#bytes.subarray(offset), bytes)
  }

  #settle(): void {
    if (this.#writing.size > 0) return
    if (this.#state === 'released') this.#pool.give(this.#bytes)
    const onSealed = this.#onSealed
    this.#onSealed = undefined
    onSealed?.(this.#bytes)
  }

  #refuseUnlessOpen(): void {
    if (this.#state !== 'open') throw appError('UNKNOWN', { message: 'the memory of a piece was handed on already' })
  }
}
