import { type AgeLinks, AgeList, type Clock } from '../../../lib/base/index.ts'
import type { PeerId } from '../../../lib/core/index.ts'
import { costOf, isAbnormal, isAgreed, isFailing, type Measured, type Usual } from './health.ts'

/** `out`: it is not named. `probation`: it was, and is named again; the next time it is out for longer. */
export interface Health {
  readonly state: 'good' | 'out' | 'probation'
  /** In words, with numbers. */
  readonly why?: string | undefined
  /** When the state ends; milliseconds since the epoch. */
  readonly untilMs?: number | undefined
}

/**
 * How peers do as sources, by the word of those who took blocks from them. Nobody is put out by one asker alone: several
 * must say so, and they must be most of those who said something lately.
 */
export interface HostHealth {
  /** `asker` stands for whoever reports: one machine is one asker, whatever peer ids it takes. */
  reported(asker: string, about: PeerId, measured: Measured): void
  of(peerId: PeerId): Health
  /** The mean of what askers have measured lately; undefined when there is none. */
  bytesPerSecondOf(peerId: PeerId): number | undefined
}

/** Askers whose last report on a peer counts; the oldest makes room. */
export const WINDOW = 16
/** A report older than this says nothing. */
const FRESH_MS = 600_000
const OUT_MS = 300_000
const MAX_OUT_MS = 3_600_000
const PROBATION_MS = 900_000
const MIB = 1024 * 1024

/** What one asker said last. */
interface Word {
  /** Milliseconds for each MiB. */
  readonly cost: number | undefined
  readonly failing: boolean
  readonly atMs: number
}

/** Costs, so that mean and deviation of all but one peer are known at once. */
class Costs {
  count = 0
  #sum = 0
  #squares = 0

  add(cost: number, sign: 1 | -1): void {
    this.count += sign
    this.#sum += sign * cost
    this.#squares += sign * cost * cost
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count
  }

  without(others: Costs): Usual {
    const count = this.count - others.count
    if (count <= 0) return { count: 0, mean: 0, sigma: 0 }
    const mean = Math.max(0, (this.#sum - others.#sum) / count)
    const variance = (this.#squares - others.#squares) / count - mean * mean
    return { count, mean, sigma: Math.sqrt(Math.max(0, variance)) }
  }
}

interface Judged extends AgeLinks<Judged> {
  readonly peerId: PeerId
  /** By asker, the oldest first. */
  readonly words: Map<string, Word>
  readonly costs: Costs
  /** How long it was out the last time, until when, and why. */
  outMs: number
  untilMs: number
  why: string | undefined
}

export function hostHealth(clock: Clock, init: { readonly maxHosts: number }): HostHealth {
  return new Book(clock, init.maxHosts)
}

class Book implements HostHealth {
  readonly #clock: Clock
  readonly #maxHosts: number
  readonly #byId = new Map<PeerId, Judged>()
  readonly #byAge = new AgeList<Judged>()
  readonly #costs = new Costs()

  constructor(clock: Clock, maxHosts: number) {
    this.#clock = clock
    this.#maxHosts = maxHosts
  }

  reported(asker: string, about: PeerId, measured: Measured): void {
    const cost = costOf(measured)
    if (cost === undefined && measured.failures === 0) return
    const nowMs = this.#clock.monotonicMs()
    const peer = this.#touched(about)
    for (const [each, { atMs }] of peer.words) if (nowMs - atMs > FRESH_MS) this.#forget(peer, each)
    this.#forget(peer, asker)
    for (const oldest of [...peer.words.keys()].slice(0, peer.words.size - WINDOW + 1)) this.#forget(peer, oldest)
    peer.words.set(asker, { cost, failing: isFailing(measured), atMs: nowMs })
    if (cost !== undefined) this.#count(peer, cost, 1)
    if (nowMs >= peer.untilMs) this.#judge(peer, nowMs)
  }

  of(peerId: PeerId): Health {
    const peer = this.#byId.get(peerId)
    if (peer?.why === undefined) return { state: 'good' }
    const { why, untilMs } = peer
    const nowMs = this.#clock.monotonicMs()
    const until = (ms: number) => Math.round(this.#clock.now() + ms - nowMs)
    if (nowMs < untilMs) return { state: 'out', why, untilMs: until(untilMs) }
    const endMs = untilMs + PROBATION_MS
    return nowMs < endMs ? { state: 'probation', why, untilMs: until(endMs) } : { state: 'good' }
  }

  bytesPerSecondOf(peerId: PeerId): number | undefined {
    const costs = this.#byId.get(peerId)?.costs
    return costs === undefined || costs.count === 0 ? undefined : Math.round((MIB * 1000) / Math.max(1, costs.mean))
  }

  #judge(peer: Judged, nowMs: number): void {
    const usual = this.#costs.without(peer.costs)
    const words = [...peer.words.values()]
    const { count: askers } = peer.costs
    const slow = words.flatMap(({ cost }) => (cost !== undefined && isAbnormal({ cost, askers }, usual) ? cost : []))
    const failing = words.filter((word) => word.failing).length
    if (isAgreed(slow.length, words.length)) {
      const [least, mean] = [Math.min(...slow), usual.mean].map(Math.round)
      const said = `${slow.length} of ${words.length} askers waited ${least} ms or more for each MiB`
      this.#putOut(peer, nowMs, `slow: ${said}, for others ${mean} ms`)
    } else if (isAgreed(failing, words.length)) {
      this.#putOut(peer, nowMs, `failing: ${failing} of ${words.length} askers did not get what they asked it for`)
    }
  }

  #putOut(peer: Judged, nowMs: number, why: string): void {
    const isAgain = peer.why !== undefined && nowMs < peer.untilMs + PROBATION_MS
    peer.outMs = isAgain ? Math.min(MAX_OUT_MS, peer.outMs * 2) : OUT_MS
    peer.untilMs = nowMs + peer.outMs
    peer.why = why
    // Afterwards it is judged by what is said from now on.
    this.#forgetAll(peer)
  }

  /** What is known of the peer, as the youngest. */
  #touched(peerId: PeerId): Judged {
    const known = this.#byId.get(peerId)
    const fresh = { words: new Map(), costs: new Costs(), outMs: 0, untilMs: 0, why: undefined }
    const peer: Judged = known ?? { peerId, ...fresh, older: undefined, newer: undefined }
    if (known !== undefined) this.#byAge.remove(known)
    this.#byId.set(peerId, peer)
    this.#byAge.add(peer)
    const { oldest } = this.#byAge
    if (this.#byAge.size > this.#maxHosts && oldest !== undefined) {
      this.#forgetAll(oldest)
      this.#byAge.remove(oldest)
      this.#byId.delete(oldest.peerId)
    }
    return peer
  }

  #forgetAll(peer: Judged): void {
    for (const asker of [...peer.words.keys()]) this.#forget(peer, asker)
  }

  #forget(peer: Judged, asker: string): void {
    const word = peer.words.get(asker)
    peer.words.delete(asker)
    if (word?.cost !== undefined) this.#count(peer, word.cost, -1)
  }

  #count(peer: Judged, cost: number, sign: 1 | -1): void {
    peer.costs.add(cost, sign)
    this.#costs.add(cost, sign)
  }
}
