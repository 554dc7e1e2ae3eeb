import { type Flow, type RoundRobin, roundRobin } from '../../../lib/base/round-robin.ts'
import type { Link } from './link.ts'
import type { Happening, Timeline } from './timeline.ts'

/** What passes a link. */
export interface Passenger {
  /** Bytes. */
  readonly tokens: number
  /** Nobody waits for it any more: it does not pass. */
  readonly over: boolean
}

export interface TurnsInit<T> {
  readonly timeline: Timeline
  readonly link: Link
  /** Bytes that a torrent sends before it is the next one's turn. */
  readonly turn: number
  readonly torrents: number
  /** Its last byte is through. */
  onPassed(passenger: T, nowMs: number): void
}

/** Who waits for a link: each torrent gets as much of it as the others; within one, first come, first served. */
export class Turns<T extends Passenger> implements Happening {
  readonly #init: TurnsInit<T>
  readonly #ring: RoundRobin<T>
  readonly #flows: readonly Flow<T>[]
  #passing: T | undefined

  constructor(init: TurnsInit<T>) {
    const ring = roundRobin<T>(init.turn)
    this.#init = init
    this.#ring = ring
    this.#flows = Array.from({ length: init.torrents }, () => ring.flow())
  }

  add(torrent: number, passenger: T): void {
    this.#flows[torrent]?.add(passenger)
    if (this.#isFree) this.#next()
  }

  happen(nowMs: number): void {
    const passenger = this.#passing as T
    this.#passing = undefined
    this.#init.onPassed(passenger, nowMs)
    if (this.#isFree) this.#next()
  }

  get #isFree(): boolean {
    return this.#passing === undefined
  }

  #next(): void {
    const { timeline, link } = this.#init
    for (let next = this.#ring.next; next !== undefined; next = this.#ring.next) {
      const { flow, item } = next
      if (item.over) {
        flow.remove(item)
        continue
      }
      flow.served(item)
      this.#passing = item
      timeline.at(link.pass(timeline.nowMs, item.tokens), this)
      return
    }
  }
}
