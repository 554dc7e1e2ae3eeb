/** The times that are remembered, and how many new ones make the median be computed anew. */
const KEPT = 64
const RENEW_AFTER = 8

/** What the last requests of a torrent usually took, whomever they went to. */
export class UsualTime {
  readonly #times: number[] = []
  #next = 0
  #medianMs: number | undefined
  #news = 0

  /** The median in milliseconds; undefined before the first time. A request that is never answered is not in it. */
  get medianMs(): number | undefined {
    return this.#medianMs
  }

  add(ms: number): void {
    this.#times[this.#next] = ms
    this.#next = (this.#next + 1) % KEPT
    this.#news += 1
    if (this.#medianMs !== undefined && this.#times.length > RENEW_AFTER && this.#news < RENEW_AFTER) return
    this.#news = 0
    const sorted = [...this.#times].sort((a, b) => a - b)
    this.#medianMs = sorted[sorted.length >>> 1]
  }
}
