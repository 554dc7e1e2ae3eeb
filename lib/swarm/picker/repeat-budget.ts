/** Asked for twice at one time; and this much of a blob in any case, since a short one allows no share worth having. */
const AT_ONCE_BYTES = 2 * 1024 * 1024
const FREE_BYTES = 2 * 1024 * 1024
/** Of the bytes that have come, this part more may be asked for twice. */
const SHARE = 0.02

/**
 * What one torrent may ask of a second peer while the first one may still give it: each of these requests may bring bytes
 * for the second time. What was asked counts, whether the bytes came twice or the loser stopped in time, so that the
 * bound needs no faith in others. Only what can bring no byte any more counts no longer: else origins that are busy, or
 * one peer that rejects everything, would leave nothing for a reader in need.
 */
export class RepeatBudget {
  #askedBytes = 0
  #receivedBytes = 0

  /** Whether something more may be asked for twice; `openBytes` are asked for twice at the moment. */
  allows(openBytes: number): boolean {
    return openBytes < AT_ONCE_BYTES && this.#askedBytes < FREE_BYTES + this.#receivedBytes * SHARE
  }

  asked(bytes: number): void {
    this.#askedBytes += bytes
  }

  /** It was asked for, and surely no byte of it came or will come. */
  spared(bytes: number): void {
    this.#askedBytes -= bytes
  }

  received(bytes: number): void {
    this.#receivedBytes += bytes
  }
}
