import type { Alarm, Wheel } from '../../../base/index.ts'
import { type ByteRange, coversRanges, type ReadPriority, readPriorities } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { PeerConnection } from '../../peer/index.ts'
import type { Want } from '../../wire/index.ts'
import type { WantedRanges } from '../shared/wanted-ranges.ts'

/** When an agent that no origin has taken in tells one over HTTP: after so long without an origin, and how often at most. */
const OVER_HTTP = { afterMs: 1_000, everyMs: 1_000 }

export interface WantTellerInit {
  readonly wanted: WantedShare
  /** Tells an origin over HTTP; it answers nothing, and what it is told cannot be taken back. */
  overHttp(want: Want): void
}

export interface WantTellerComponents {
  readonly wheel: Wheel
  readonly limits: Pick<SwarmLimits, 'wantEveryMs' | 'wantAgainMs'>
}

/** What the readers want of what no peer can be asked for yet, with this share of what is ahead of them. */
export type WantedShare = (share: number) => WantedRanges

/** While an origin knows of this share of what is ahead of the readers, it is told nothing more. */
const ENOUGH = 0.5

interface Said {
  readonly ranges: readonly ByteRange[]
  readonly atMs: number
}

/** What is wanted at one priority: all of it, and so much that whoever knows that is told nothing more. */
interface Wants {
  readonly priority: ReadPriority
  readonly all: readonly ByteRange[]
  readonly enough: readonly ByteRange[]
}

interface Told {
  readonly connection: PeerConnection
  readonly said: Map<ReadPriority, Said>
}

/**
 * Tells the origins that are bringing a blob which bytes its readers wait for. They are told again only when they know too
 * little of what is ahead, or before they forget it, and that nothing is wanted any more when this is so. While no origin
 * has room for this node among its peers, one is told over HTTP.
 */
export class WantTeller {
  readonly #components: WantTellerComponents
  readonly #init: WantTellerInit
  readonly #origins = new Map<string, Told>()
  /** What was said over HTTP. */
  readonly #saidOverHttp = new Map<ReadPriority, Said>()
  readonly #due: Alarm
  #lookedMs = Number.NEGATIVE_INFINITY
  /** Since when no origin has been a peer. */
  #aloneMs: number

  constructor(components: WantTellerComponents, init: WantTellerInit) {
    this.#components = components
    this.#init = init
    this.#aloneMs = components.wheel.nowMs
    this.#due = components.wheel.alarm((nowMs) => this.#tell(nowMs))
  }

  /** Who is no origin is told nothing. */
  add(connection: PeerConnection): void {
    if (connection.hello.role !== 'origin') return
    this.#origins.set(connection.hello.peerId, { connection, said: new Map() })
    this.#saidOverHttp.clear()
    this.look()
  }

  remove(id: string): void {
    if (!this.#origins.delete(id) || this.#origins.size > 0) return
    this.#aloneMs = this.#components.wheel.nowMs
    this.look()
  }

  /** What readers want may have changed. */
  look(): void {
    if (this.#origins.size > 0) this.#due.by(this.#lookedMs + this.#components.limits.wantEveryMs)
    else this.#due.by(Math.max(this.#aloneMs + OVER_HTTP.afterMs, this.#lookedMs + OVER_HTTP.everyMs))
  }

  stop(): void {
    this.#due.cancel()
    this.#origins.clear()
  }

  #tell(nowMs: number): void {
    const { wantEveryMs } = this.#components.limits
    this.#lookedMs = nowMs
    const [all, enough] = [this.#init.wanted(1), this.#init.wanted(ENOUGH)]
    const isAlone = this.#origins.size === 0
    for (const priority of readPriorities) {
      const wants = { priority, all: all[priority], enough: enough[priority] }
      for (const told of this.#origins.values()) this.#say(told, wants, nowMs)
      if (isAlone) this.#sayOverHttp(wants, nowMs)
    }
    // What is ahead of readers moves with each byte that they take, which nobody tells.
    const isAnyWanted = readPriorities.some((priority) => all[priority].length > 0)
    if (isAnyWanted) this.#due.at(nowMs + (isAlone ? OVER_HTTP.everyMs : wantEveryMs))
  }

  #sayOverHttp({ priority, all, enough }: Wants, nowMs: number): void {
    const last = this.#saidOverHttp.get(priority)
    if (all.length === 0) this.#saidOverHttp.delete(priority)
    else if (last === undefined || !this.#isKnown(last, enough, nowMs)) {
      this.#saidOverHttp.set(priority, { ranges: all, atMs: nowMs })
      this.#init.overHttp({ priority, ranges: all })
    }
  }

  #say({ connection, said }: Told, { priority, all, enough }: Wants, nowMs: number): void {
    const last = said.get(priority)
    if (all.length === 0 ? last === undefined : last !== undefined && this.#isKnown(last, enough, nowMs)) return
    if (all.length === 0) said.delete(priority)
    else if (connection.remoteHave.complete) return
    else said.set(priority, { ranges: all, atMs: nowMs })
    connection.sendWant({ priority, ranges: all })
  }

  #isKnown({ ranges, atMs }: Said, enough: readonly ByteRange[], nowMs: number): boolean {
    return nowMs - atMs < this.#components.limits.wantAgainMs && coversRanges(ranges, enough)
  }
}
