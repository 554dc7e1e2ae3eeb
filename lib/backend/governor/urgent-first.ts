import {
  type AbortOptions,
  abortController,
  type Deferred,
  deferred,
  type TokenBucket,
  throwIfAborted,
  untilGranted,
} from '../../base/index.ts'
import { mostUrgent, rankOf, type Urgency } from '../urgency.ts'

/** Who waits, and how urgently. */
export interface TurnOptions extends AbortOptions {
  /** Default: somebody waits for it. */
  readonly urgency?: Urgency | undefined
}

/** A rate limit whose callers are served the most urgent first, and of the same urgency in their order. */
export interface UrgentFirst {
  /** A caller that aborts leaves the queue at once and takes nothing. @throws ABORTED */
  take(tokens: number, options?: TurnOptions): Promise<void>
  /** Gives back what was taken and not used, for the next caller. */
  giveBack(tokens: number): void
}

interface Waiter {
  readonly tokens: number
  readonly urgency: Urgency
  readonly granted: Deferred<void>
}

export function urgentFirst(bucket: TokenBucket): UrgentFirst {
  return new Queue(bucket)
}

class Queue implements UrgentFirst {
  readonly #bucket: TokenBucket
  readonly #waiting = new Set<Waiter>()
  /** Taken out of the bucket, and not given to anybody yet: less than one caller wants. */
  #spare = 0
  /** Ends the wait for tokens when nobody waits for them any more. */
  #serving: AbortController | undefined

  constructor(bucket: TokenBucket) {
    this.#bucket = bucket
  }

  async take(tokens: number, { signal, urgency = mostUrgent }: TurnOptions = {}): Promise<void> {
    throwIfAborted(signal)
    if (this.#bucket.available === Number.POSITIVE_INFINITY) return
    const waiter: Waiter = { tokens, urgency, granted: deferred() }
    this.#waiting.add(waiter)
    this.#serve()
    await untilGranted(waiter.granted, signal, () => {
      this.#waiting.delete(waiter)
      if (this.#waiting.size === 0) this.#serving?.abort()
    })
  }

  giveBack(tokens: number): void {
    if (this.#bucket.available === Number.POSITIVE_INFINITY) return
    this.#spare += tokens
    this.#grant()
  }

  #serve(): void {
    this.#grant()
    if (this.#serving !== undefined || this.#waiting.size === 0) return
    const serving = abortController()
    this.#serving = serving
    this.#fetch(serving.signal)
      // The wait has ended because nobody waits any more; a bucket has no other failure.
      .catch(() => undefined)
      .finally(() => {
        this.#serving = undefined
        this.#serve()
      })
  }

  /** Takes out of the bucket what the first of the queue lacks. Who that is may have changed when it has come. */
  async #fetch(signal: AbortSignal): Promise<void> {
    for (let first = this.#first(); first !== undefined; first = this.#first()) {
      const lacks = first.tokens - this.#spare
      await this.#bucket.take(lacks, { signal })
      this.#spare += lacks
      this.#grant()
    }
  }

  #grant(): void {
    for (let first = this.#first(); first !== undefined && first.tokens <= this.#spare; first = this.#first()) {
      this.#spare -= first.tokens
      this.#waiting.delete(first)
      first.granted.resolve()
    }
  }

  #first(): Waiter | undefined {
    let first: Waiter | undefined
    for (const each of this.#waiting) {
      if (first === undefined || rankOf(each.urgency.priority) < rankOf(first.urgency.priority)) first = each
      if (rankOf(first.urgency.priority) === 0) break
    }
    return first
  }
}
