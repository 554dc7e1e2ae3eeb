import type { Happening } from './timeline.ts'

/** New pieces that all peers are told of together. */
export class HaveBatch<T> implements Happening {
  readonly sentMs: number
  readonly pieces: number[]
  /** The peers have been told; a piece that comes later, even in the same moment, needs another batch. */
  told = false
  readonly #of: T
  readonly #tell: (of: T, pieces: readonly number[]) => void

  /** `tell` tells the peers of `of`, when its time has come. */
  constructor(
    of: T,
    init: {
      readonly sentMs: number
      readonly first: number
      readonly tell: (of: T, pieces: readonly number[]) => void
    },
  ) {
    this.#of = of
    this.sentMs = init.sentMs
    this.pieces = [init.first]
    this.#tell = init.tell
  }

  happen(): void {
    this.told = true
    this.#tell(this.#of, this.pieces)
  }
}
