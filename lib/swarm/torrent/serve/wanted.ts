import type { Alarm, Wheel } from '../../../base/index.ts'
import { type ByteRange, type ReadPriority, readPriorities } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { Want } from '../../peer/index.ts'
import { WantBook } from './want-book.ts'

/**
 * Told all that is wanted at a priority now, whenever that has changed: bytes of the blob, joined, whether they are here
 * or not; empty when nobody wants any.
 */
export type OnWanted = (ranges: readonly ByteRange[], priority: ReadPriority) => void

export interface WantedComponents {
  readonly wheel: Wheel
  readonly limits: Pick<SwarmLimits, 'wantMs' | 'wantMergeMs'>
}

/** Tells what the peers of an arriving blob want, at most once in `wantMergeMs`, however many of them say something. */
export class Wanted {
  readonly #components: WantedComponents
  readonly #onWanted: OnWanted
  readonly #book = new WantBook()
  readonly #told = new Map<ReadPriority, readonly ByteRange[]>()
  readonly #due: Alarm
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(components: WantedComponents, onWanted: OnWanted) {
    this.#components = components
    this.#onWanted = onWanted
    this.#due = components.wheel.alarm((nowMs) => this.#tell(nowMs))
  }

  say(peer: string, want: Want): void {
    this.#book.say(peer, want, this.#components.wheel.nowMs + this.#components.limits.wantMs)
    this.#soon()
  }

  /** The peer is gone. */
  left(peer: string): void {
    this.#book.leave(peer)
    this.#soon()
  }

  /** From now on nothing is told. */
  stop(): void {
    this.#due.cancel()
  }

  #soon(): void {
    this.#due.by(this.#toldMs + this.#components.limits.wantMergeMs)
  }

  #tell(nowMs: number): void {
    this.#toldMs = nowMs
    this.#due.at(this.#book.expire(nowMs))
    for (const priority of readPriorities) {
      const ranges = this.#book.wanted(priority)
      if (isSame(ranges, this.#told.get(priority) ?? [])) continue
      this.#told.set(priority, ranges)
      this.#onWanted(ranges, priority)
    }
  }
}

function isSame(a: readonly ByteRange[], b: readonly ByteRange[]): boolean {
  return a.length === b.length && a.every((range, at) => range.start === b[at]?.start && range.end === b[at].end)
}
