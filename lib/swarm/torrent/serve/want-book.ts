import { type ByteRange, joinedRanges, type ReadPriority } from '../../../core/index.ts'
import type { Want } from '../../peer/index.ts'

interface Said {
  readonly ranges: readonly ByteRange[]
  readonly untilMs: number
}

/** What the peers of an arriving blob want of it. A peer has one list for each priority; a later one replaces it. */
export class WantBook {
  readonly #byPeer = new Map<string, Map<ReadPriority, Said>>()

  /** Its word counts until `untilMs`. */
  say(peer: string, { priority, ranges }: Want, untilMs: number): void {
    const said = this.#byPeer.get(peer) ?? new Map<ReadPriority, Said>()
    if (ranges.length > 0) said.set(priority, { ranges, untilMs })
    else said.delete(priority)
    if (said.size > 0) this.#byPeer.set(peer, said)
    else this.#byPeer.delete(peer)
  }

  leave(peer: string): void {
    this.#byPeer.delete(peer)
  }

  /** Forgets what no longer counts; gives the time at which the next word ends, `Infinity` when nobody wants anything. */
  expire(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const [peer, said] of this.#byPeer) {
      for (const [priority, { untilMs }] of said) {
        if (untilMs <= nowMs) said.delete(priority)
        else next = Math.min(next, untilMs)
      }
      if (said.size === 0) this.#byPeer.delete(peer)
    }
    return next
  }

  /** All that is wanted at this priority. */
  wanted(priority: ReadPriority): readonly ByteRange[] {
    return joinedRanges([...this.#byPeer.values()].flatMap((said) => said.get(priority)?.ranges ?? []))
  }
}
