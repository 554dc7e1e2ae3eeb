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
  /** Tokens that can be taken now without waiting; Infinity when there is no limit. */
  readonly available: number
}

interface Waiter {
  readonly tokens: number
  readonly granted: Deferred<void>
}

export function fairBucket(clock: Clock, { ratePerSecond, ...init }: FairBucketInit): FairBucket {
  if (ratePerSecond !== undefined) return new Fair(clock, ratePerSecond, init)
  const take = () => Promise.resolve()
  const unlimited: BucketFlow = { take, weigh: () => undefined, available: Number.POSITIVE_INFINITY }
  return { flow: () => unlimited, available: Number.POSITIVE_INFINITY }
}

/** A rate limit for callers that are all alike. */
export function tokenBucket(clock: Clock, init: TokenBucketInit): TokenBucket {
  return fairBucket(clock, init).flow()
}

class Fair implements FairBucket {
  readonly #clock: Clock
  readonly #rate: number
  readonly #burst: number
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

  constructor(
    clock: Clock,
    rate: number,
    { burst = rate, turn = burst / 100, reserve = 0 }: Omit<FairBucketInit, 'ratePerSecond'>,
  ) {
    this.#clock = clock
    this.#rate = rate
    this.#burst = burst
    this.#reserve = reserve
    this.#turn = turn
    this.#short = roundRobin<Waiter>(turn)
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
