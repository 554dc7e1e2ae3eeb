import { Readable } from 'node:stream'
import { type AbortOptions, type ByteBudget, readAhead } from '../base/index.ts'
import type { ByteRange } from '../core/index.ts'
import type { ReadHandle } from './medium.ts'

/** Bytes that are read from the medium at once. */
const SLICE_BYTES = 1024 * 1024

/** The same for streams that find the budget used up, and for the end of each stream. */
const SMALL_SLICE_BYTES = 128 * 1024

/** Slices that a stream holds: one waits in it while its consumer has the one before. */
const HELD_SLICES = 2

export interface RangeStreamOptions extends AbortOptions {
  readonly onClose?: () => void
  /** Where the memory for slices is counted; default: the one of the process. */
  readonly budget?: ByteBudget
}

/** Chooses how long the next slice is, and counts the slices that are held. */
class Slices {
  readonly #budget: ByteBudget
  /** Bytes taken from the budget for each slice that is held, the oldest first. */
  readonly #held: number[] = []

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** Bytes of the next slice, of `left`; the one before the last has left by now. */
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

/**
 * Streams the bytes of `range`, slice by slice, at the consumer's pace. Opens the file when the stream is created and
 * closes it when the stream ends, whatever the reason. Slices are small while many other streams hold large ones, so that
 * consumers that do not read cost little.
 */
export function rangeStream(
  open: () => Promise<ReadHandle>,
  range: ByteRange,
  { signal, onClose, budget = readAhead }: RangeStreamOptions = {},
): Readable {
  let handle: ReadHandle | undefined
  let position = range.start
  const slices = new Slices(budget)
  return new Readable({
    // Any slice fills the stream, so the next one is read when the consumer has taken it.
    highWaterMark: 1,
    ...(signal === undefined ? {} : { signal }),
    construct(done) {
      open().then((opened) => {
        handle = opened
        done()
      }, done)
    },
    read() {
      if (handle === undefined || position >= range.end) {
        this.push(null)
        return
      }
      const slice = { start: position, end: position + slices.next(range.end - position) }
      position = slice.end
      handle.read(slice).then(
        (bytes) => {
          if (!this.destroyed) this.push(bytes)
        },
        (err: unknown) => this.destroy(err as Error),
      )
    },
    destroy(err, done) {
      slices.end()
      onClose?.()
      if (handle === undefined) done(err)
      else
        handle.close().then(
          () => done(err),
          (failure: unknown) => done(err ?? (failure as Error)),
        )
    },
  })
}
