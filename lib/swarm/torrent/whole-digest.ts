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
 * The digest of a blob that arrives in pieces. It advances in order, as far as pieces lie together from the first one on:
 * a piece that comes just when it is the next is taken from the memory in which it came, the others from where readers
 * get them. So no byte is read twice in the usual case, and the answer is there with the last piece.
 */
export class WholeDigest {
  readonly #init: WholeDigestInit
  #running: RunningDigest | undefined
  #next = 0
  #atHand: AtHand | undefined
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
   * A verified piece, before it is stored. True when it is taken: then `free` is called once its bytes are read, by the
   * next `advance`.
   */
  offer(piece: number, atHand: AtHand): boolean {
    if (piece !== this.#next || this.#atHand !== undefined || this.#closed) return false
    this.#atHand = atHand
    return true
  }

  /**
   * Takes in what lies together; one call at a time. Whether the digest holds, undefined while pieces are missing.
   * After a failure the next call begins anew. @throws ABORTED, what reading throws
   */
  async advance(signal: AbortSignal): Promise<boolean | undefined> {
    const { digest, digester, arrival } = this.#init
    const algorithm = digestAlgorithm(digest)
    const running = this.#running ?? digester.running(algorithm)
    this.#running = running
    try {
      for (; this.#next < arrival.map.count; this.#next += 1) {
        throwIfAborted(signal)
        if (!(await this.#take(running))) return undefined
      }
      return digestFromHex(algorithm, await running.end()) === digest
    } catch (err) {
      this.#restart()
      throw err
    }
  }

  /** What it holds is given back. Not while `advance` runs. */
  close(): void {
    this.#closed = true
    this.#restart()
  }

  /** False when the next piece is not here. */
  async #take(running: RunningDigest): Promise<boolean> {
    const { arrival } = this.#init
    const atHand = this.#atHand
    this.#atHand = undefined
    if (atHand !== undefined) {
      await running.update(atHand.bytes).finally(atHand.free)
      return true
    }
    if (!arrival.has(this.#next)) return false
    await arrival.show(this.#next, (bytes) => running.update(bytes))
    return true
  }

  #restart(): void {
    this.#atHand?.free()
    this.#atHand = undefined
    this.#running?.close()
    this.#running = undefined
    this.#next = 0
  }
}
