import { throwIfAborted } from '../../../base/index.ts'
import { type Digest, digestAlgorithm, digestFromHex } from '../../../core/index.ts'
import type { PieceDigester, RunningDigest } from '../../../metainfo/index.ts'
import type { Arrival } from './arrival.ts'

export interface WholeDigestInit {
  readonly digest: Digest
  /** `hashed` is told how far the digest is. */
  readonly arrival: Pick<Arrival, 'map' | 'has' | 'show' | 'hashed'>
  readonly digester: Pick<PieceDigester, 'running'>
  /** The digest is further than before. */
  readonly onHashed: () => void
}

/** Pieces that are hashed from the memory in which they came, at most, while they wait for their turn. */
const MAX_AT_HAND = 8

interface AtHand {
  readonly bytes: Uint8Array
  readonly free: () => void
}

/**
 * Computes the digest of a blob that arrives in pieces. It advances in order, as far as the pieces from the first one
 * on are contiguous. Pieces that arrive in order are hashed from the memory in which they came, several at a time; other
 * pieces are read from where readers get them. So usually no byte is read twice, and the digest is known when the last
 * piece has come.
 */
export class WholeDigest {
  readonly #init: WholeDigestInit
  #running: RunningDigest | undefined
  /** The next pieces. */
  #atHand: AtHand[] = []
  #closed = false

  constructor(init: WholeDigestInit) {
    this.#init = init
  }

  /** Pieces before it are hashed, or are being hashed. */
  get #next(): number {
    return this.#init.arrival.hashed
  }

  set #next(piece: number) {
    this.#init.arrival.hashed = piece
  }

  /** The next piece is here. */
  get canAdvance(): boolean {
    const { arrival } = this.#init
    return this.#next >= arrival.map.count || this.#atHand.length > 0 || arrival.has(this.#next)
  }

  /**
   * Offers a verified piece before it is stored. True when it is accepted: then the next `advance` calls `free` after
   * it has read the bytes.
   */
  offer(piece: number, atHand: AtHand): boolean {
    const waiting = this.#atHand.length
    if (piece !== this.#next + waiting || waiting === MAX_AT_HAND || this.#closed) return false
    this.#atHand.push(atHand)
    return true
  }

  /**
   * Hashes the contiguous pieces; only one call at a time. Gives whether the digest is right, or undefined while pieces
   * are missing. After a failure the next call starts from the beginning. @throws ABORTED, what reading throws
   */
  async advance(signal: AbortSignal): Promise<boolean | undefined> {
    const { digest, digester, arrival } = this.#init
    const algorithm = digestAlgorithm(digest)
    const running = this.#running ?? digester.running(algorithm)
    this.#running = running
    try {
      while (this.#next < arrival.map.count) {
        throwIfAborted(signal)
        if (!this.canAdvance) return undefined
        await this.#take(running)
      }
      return digestFromHex(algorithm, await running.end()) === digest
    } catch (err) {
      this.#restart()
      throw err
    }
  }

  /** Frees what it holds. Do not call it while `advance` runs. */
  close(): void {
    this.#closed = true
    this.#restart()
  }

  async #take(running: RunningDigest): Promise<void> {
    const atHand = this.#atHand
    this.#atHand = []
    const next = this.#next
    this.#next += Math.max(1, atHand.length)
    this.#init.onHashed()
    if (atHand.length === 0) {
      await this.#init.arrival.show(next, (bytes) => running.update(bytes))
      return
    }
    try {
      await running.update(...atHand.map(({ bytes }) => bytes))
    } finally {
      for (const { free } of atHand) free()
    }
  }

  #restart(): void {
    for (const { free } of this.#atHand) free()
    this.#atHand = []
    this.#running?.close()
    this.#running = undefined
    this.#next = 0
  }
}
