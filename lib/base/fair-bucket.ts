import { throwIfAborted } from './abort.ts'
import type { AbortOptions, Clock, Timer } from './clock.ts'
import { type Deferred, deferred } from './deferred.ts'
import { type Flow, type RoundRobin, roundRobin } from './round-robin.ts'
import type { TokenBucket, TokenBucketInit } from './token-bucket.ts'
import { untilGranted } from './until-granted.ts'
import { type WeightedTurns, weightedTurns } from './weighted-turns.ts'

export interface FairBucketInit extends TokenBucketInit {
  /** Tokens that a flow takes before it is the next one's turn. Default: a hundredth of the burst. */
  readonly turn?: number | undefined
  /** Tokens that only short flows may take. Default 0. */
  readonly reserve?: number | undefined
}

export interface FlowInit {
  /** It needs little in all: it goes first, though of any two takes that could be next at most one is a short flow's. */
  readonly short?: boolean | undefined
  /** See `BucketFlow.weigh`; default 1. */
  readonly weight?: number | undefined
}

/** One of those who share a rate limit. Within it callers are served in order. */
export interface BucketFlow extends TokenBucket {
  /**
   * From now on it is one of those of this weight, with all who wait in it. Those of one weight together get in proportion to
   * it, however many they are; a short flow has no weight.
   */
  weigh(weight: number): void
}

/**
 * A rate limit that several flows share: of the same weight each gets as much as the others, however many of its callers
 * wait.
 */
export interface FairBucket {
  /** One more flow. One that nobody waits in costs nothing. */
  flow(init?: FlowInit): BucketFlow
  /** From now on; who waits goes on at the new rate. Undefined means no limit. `burst` as at the start. */
  setRate(ratePerSecond: number | undefined, options?: Pick<TokenBucketInit, 'burst'>): void
  /** Tokens that can be taken now without waiting; Infinity when there is no limit. */
  readonly available: number
}

interface Waiter {
  readonly tokens: number
  readonly granted: Deferred<void>
}

export function fairBucket(clock: Clock, init: FairBucketInit): FairBucket {
  return new Fair(clock, init)
}

/** A rate limit for callers that are all alike. */
export function tokenBucket(clock: Clock, init: TokenBucketInit): TokenBucket {
  return fairBucket(clock, init).flow()
}

const limits = (rate = Number.POSITIVE_INFINITY, burst = rate) =>
  rate === Number.POSITIVE_INFINITY ? { rate, burst: rate } : { rate, burst }

class Fair implements FairBucket {
  readonly #clock: Clock
  /** Both are Infinity when there is no limit. */
  #rate: number
  #burst: number
  readonly #reserve: number
  readonly #turn: number
  readonly #short: RoundRobin<Waiter>
  /** By weight. */
  readonly #long = new Map<number, RoundRobin<Waiter>>()
  readonly #turns: WeightedTurns<RoundRobin<Waiter>> = weightedTurns()
  #tokens: number
  #updatedMs: number
  #timer: Timer | undefined
  /** The last take was a short flow's. */
  #shortTook = false

  constructor(clock: Clock, { ratePerSecond, burst: given, turn, reserve = 0 }: FairBucketInit) {
    const { rate, burst } = limits(ratePerSecond, given)
    this.#clock = clock
    this.#rate = rate
    this.#burst = burst
    this.#reserve = reserve
    this.#turn = turn ?? burst / 100
    this.#short = roundRobin<Waiter>(this.#turn)
    this.#tokens = burst
    this.#updatedMs = clock.monotonicMs()
  }

  get available(): number {
    this.#refill()
    return Math.max(0, this.#tokens)
  }

  flow({ short = false, weight = 1 }: FlowInit = {}): BucketFlow {
    const flow = (short ? this.#short : this.#weighing(weight)).flow()
    const available = () => this.available
    return {
      take: (tokens, options) => this.#take(flow, tokens, options),
      weigh: (other) => {
        if (!short) flow.move(this.#weighing(other))
      },
      get available() {
        return available()
      },
    }
  }

  setRate(ratePerSecond: number | undefined, options: Pick<TokenBucketInit, 'burst'> = {}): void {
    this.#refill()
    const { rate, burst } = limits(ratePerSecond, options.burst)
    this.#rate = rate
    this.#burst = burst
    // What was saved up without a limit is not more than a burst; without one now, nothing is owed.
    this.#tokens = rate === Number.POSITIVE_INFINITY ? burst : Math.min(burst, this.#tokens)
    this.#serve()
  }

  /** The round of those of this weight. */
  #weighing(weight: number): RoundRobin<Waiter> {
    const known = this.#long.get(weight)
    if (known !== undefined) return known
    const round = roundRobin<Waiter>(this.#turn)
    this.#long.set(weight, round)
    this.#turns.add(round, weight)
    return round
  }

  async #take(flow: Flow<Waiter>, tokens: number, { signal }: AbortOptions = {}): Promise<void> {
    if (this.#rate === Number.POSITIVE_INFINITY) return
    throwIfAborted(signal)
    const waiter: Waiter = { tokens, granted: deferred() }
    flow.add(waiter)
    this.#serve()
    await untilGranted(waiter.granted, signal, () => {
      flow.remove(waiter)
      this.#serve()
    })
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#rate < Number.POSITIVE_INFINITY)
      this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#updatedMs) / 1000) * this.#rate)
    this.#updatedMs = nowMs
  }

  /** Grants what can be granted now, and comes back when the next one can. */
  #serve(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#refill()
    for (let next = this.#next; next !== undefined; next = this.#next) {
      const { flow, item } = next
      const isShort = flow.of === this.#short
      const needed = Math.min(item.tokens + (isShort ? 0 : this.#reserve), this.#burst)
      if (this.#tokens < needed) {
        const waitMs = Math.max(1, ((needed - this.#tokens) / this.#rate) * 1000)
        this.#timer = this.#clock.setTimer(waitMs, () => this.#serve())
        return
      }
      this.#tokens -= item.tokens
      this.#shortTook = isShort
      if (!isShort) this.#turns.took(flow.of, item.tokens)
      flow.served(item)
      item.granted.resolve()
    }
  }

  get #next() {
    if (this.#shortTook) return this.#nextLong ?? this.#short.next
    return this.#short.next ?? this.#nextLong
  }

  get #nextLong() {
    return this.#turns.next(({ next }) => next !== undefined)?.next
  }
}
