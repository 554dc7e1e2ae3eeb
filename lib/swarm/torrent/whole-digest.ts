import { throwIfAborted } from '../../base/index.ts'
import { type Digest, digestAlgorithm, digestFromHex } from '../../core/index.ts'
import type { PieceDigester, RunningDigest } from '../../metainfo/index.ts'
import type { Arrival } from './arrival.ts'

export interface WholeDigestInit {
  readonly digest: Digest
  readonly arrival: Pick<Arrival, 'map' | 'has' | 'show'>
  readonly digester: Pick<PieceDigester, 'running'>
}

interface AtHand {
  readonly bytes: Uint8Array
  readonly free: () => void
}

/**
 * Computes the digest of a blob that arrives in pieces. It advances in order, as far as the pieces from the first one
 * on are contiguous. When the next piece arrives, it is hashed from the memory in which it came; other pieces are read
 * from where readers get them. So usually no byte is read twice, and the digest is known when the last piece has come.
 */
export class WholeDigest {
  readonly #init: WholeDigestInit
  #running: RunningDigest | undefined
  #next = 0
  #atHand: AtHand | undefined
  /** The next piece is being hashed. */
  #taking = false
  #closed = false

  constructor(init: WholeDigestInit) {
    this.#init = init
  }

  /** The next piece is here. */
  get canAdvance(): boolean {
    const { arrival } = this.#init
    return this.#next >= arrival.map.count || this.#atHand !== undefined || arrival.has(this.#next)
  }

  /**
   * Offers a verified piece before it is stored. True when it is accepted: then the next `advance` calls `free` after
   * it has read the bytes.
   */
  offer(piece: number, atHand: AtHand): boolean {
    if (piece !== this.#next || this.#taking || this.#atHand !== undefined || this.#closed) return false
    this.#atHand = atHand
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
        this.#taking = true
        await this.#take(running)
        this.#next += 1
        this.#taking = false
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
    this.#atHand = undefined
    if (atHand !== undefined) await running.update(atHand.bytes).finally(atHand.free)
    else await this.#init.arrival.show(this.#next, (bytes) => running.update(bytes))
  }

  #restart(): void {
    this.#atHand?.free()
    this.#atHand = undefined
    this.#running?.close()
    this.#running = undefined
    this.#taking = false
    this.#next = 0
  }
}
