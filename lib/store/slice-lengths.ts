import { type ByteBudget, readAhead } from '../base/index.ts'

/** Bytes that are read from the medium at once. */
const SLICE_BYTES = 1024 * 1024

/** The same for streams that find the budget used up, and for the end of each stream. */
const SMALL_SLICE_BYTES = 128 * 1024

/** Slices that a stream holds: one waits in it while its consumer has the one before. */
const HELD_SLICES = 2

/** How long the slices of one stream are: it chooses the length of the next one, and counts those that are held. */
export interface SliceLengths {
  /** Bytes of the next slice at most, of the `left` ones; the slice before the last has left by now. */
  next(left: number): number
  /** Nothing is held any more. */
  end(): void
}

/** `budget` is where the memory for slices is counted; default: the one of the process. */
export function sliceLengths(budget: ByteBudget = readAhead): SliceLengths {
  return new Slices(budget)
}

class Slices implements SliceLengths {
  readonly #budget: ByteBudget
  /** Bytes taken from the budget for each slice that is held, the oldest first. */
  readonly #held: number[] = []

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  next(left: number): number {
    while (this.#held.length >= HELD_SLICES) this.#budget.give(this.#held.shift() ?? 0)
    // A stream ends when its last slices are still with the consumer, and nobody tells when they have left.
    const isFar = left >= SLICE_BYTES + HELD_SLICES * SMALL_SLICE_BYTES
    const isTaken = isFar && this.#budget.take(SLICE_BYTES)
    this.#held.push(isTaken ? SLICE_BYTES : 0)
    return Math.min(left, isTaken ? SLICE_BYTES : SMALL_SLICE_BYTES)
  }

  end(): void {
    for (const bytes of this.#held.splice(0)) this.#budget.give(bytes)
  }
}
