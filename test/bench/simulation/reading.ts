import type { ReaderWindow } from '../../../lib/swarm/picker/index.ts'
import type { Timeline } from './timeline.ts'

/** A torrent as its reader sees it. */
export interface Reading {
  /** The piece with the reader's next byte. */
  readonly next: number
  readonly count: number
  readonly waitingSinceMs: number
  readonly patienceMs: number
}

/** The window in front of the reader of a torrent, as the engine's `windowOf` has it. */
export class Window implements ReaderWindow {
  readonly #reading: Reading
  readonly #pieces: number
  readonly #timeline: Timeline

  /** `pieces`: how many are in front of the reader. */
  constructor(reading: Reading, timeline: Timeline, pieces: number) {
    this.#reading = reading
    this.#timeline = timeline
    this.#pieces = pieces
  }

  get next(): number {
    return this.#reading.next
  }

  get end(): number {
    return Math.min(this.#reading.next + this.#pieces, this.#reading.count)
  }

  get urgent(): boolean {
    const { next, waitingSinceMs, patienceMs } = this.#reading
    return next === 0 || this.#timeline.nowMs - waitingSinceMs >= patienceMs
  }
}
