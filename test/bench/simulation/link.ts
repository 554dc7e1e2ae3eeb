/**
 * One direction of a host's link: what passes it does so one after the other. It may save up `headStart` bytes in a
 * pause, as the rate limit of a node does; 0 for a cable.
 */
export class Link {
  readonly #bytesPerMs: number
  readonly #headStart: number
  #freeMs = 0

  constructor(bytesPerSecond: number, headStart = 0) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#headStart = headStart
  }

  /** Lets `bytes` pass after what was there before; the time when the last of them is through. */
  pass(nowMs: number, bytes: number): number {
    const fromMs = Math.max(this.#freeMs, nowMs)
    this.#freeMs = fromMs + bytes / this.#bytesPerMs
    return Math.max(nowMs, fromMs + (bytes - this.#headStart) / this.#bytesPerMs)
  }
}
