import type { Alarm, Wheel } from '../../base/index.ts'
import type { SwarmLimits } from '../limits.ts'

export interface UsefulnessComponents {
  readonly wheel: Wheel
  readonly limits: Pick<SwarmLimits, 'lingerMs'>
}

export interface UsefulnessInit {
  readonly complete: () => boolean
  /** Number of connected peers. */
  readonly peers: () => number
  /**
   * Nobody has had a use for the torrent for long enough: it is complete and has no peers, or is incomplete and nobody
   * had it open for a while.
   */
  onUseless(): void
}

/** What is left to tell others goes out first, before a torrent without use ends. */
const PARTING_MS = 100
/** So long after an agent asked over HTTP, an origin remembers what it gave. */
const ASKED_MS = 30_000

/** Who has a use for a torrent: who has it open, and, once it is complete, its peers. */
export class Usefulness {
  readonly #components: UsefulnessComponents
  readonly #init: UsefulnessInit
  readonly #end: Alarm
  #holders = 0
  #freeSinceMs: number
  #askedMs = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(components: UsefulnessComponents, init: UsefulnessInit) {
    this.#components = components
    this.#init = init
    this.#freeSinceMs = components.wheel.nowMs
    this.#end = components.wheel.alarm((nowMs) => this.#onDue(nowMs))
  }

  /** Somebody opens it. Call the result once. */
  hold(): () => void {
    this.#holders += 1
    this.#end.cancel()
    return () => {
      this.#holders -= 1
      this.#freeSinceMs = this.#components.wheel.nowMs
      this.see()
    }
  }

  /** An agent asks over HTTP. */
  asked(): void {
    this.#askedMs = this.#components.wheel.nowMs
  }

  /** Call it when it has become complete, or has lost a peer. */
  see(): void {
    if (!this.#stopped) this.#end.at(Math.max(this.#uselessAtMs, this.#components.wheel.nowMs + PARTING_MS))
  }

  stop(): void {
    this.#stopped = true
    this.#end.cancel()
  }

  /** From when on it has no use; Infinity while something else has to happen first. */
  get #uselessAtMs(): number {
    if (this.#holders > 0) return Number.POSITIVE_INFINITY
    if (!this.#init.complete()) return this.#freeSinceMs + this.#components.limits.lingerMs
    return this.#init.peers() === 0 ? this.#askedMs + ASKED_MS : Number.POSITIVE_INFINITY
  }

  #onDue(nowMs: number): void {
    if (this.#uselessAtMs > nowMs) this.see()
    else this.#init.onUseless()
  }
}
