import type { SwarmLimits } from '../../../lib/swarm/index.ts'

/** The memory for pieces that the torrents of one host share. */
export class PieceRoom {
  readonly #limits: SwarmLimits
  /** Bytes of pieces that are asked for or being checked, and of those that are stored. */
  #openBytes = 0
  #storedBytes = 0
  #isShort = false

  constructor(limits: SwarmLimits) {
    this.#limits = limits
  }

  /** Room for one more piece; some of the memory is taken by the pieces that were stored last. */
  has(bytes: number): boolean {
    const { pieceBufferBytes, warmPieceBytes } = this.#limits
    const warmBytes = Math.min(warmPieceBytes, this.#storedBytes)
    const fits = this.#openBytes === 0 || this.#openBytes + bytes <= pieceBufferBytes - warmBytes
    if (!fits) this.#isShort = true
    return fits
  }

  take(bytes: number): void {
    this.#openBytes += bytes
  }

  /** The piece does not come after all. */
  giveBack(bytes: number): void {
    this.#openBytes -= bytes
  }

  /** The piece is stored; true when there was no room for another one before. */
  stored(bytes: number): boolean {
    this.#openBytes -= bytes
    this.#storedBytes += bytes
    const wasShort = this.#isShort
    this.#isShort = false
    return wasShort
  }
}
