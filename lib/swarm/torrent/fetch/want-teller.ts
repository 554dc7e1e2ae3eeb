import type { Alarm, Wheel } from '../../../base/index.ts'
import { type ByteRange, coversRanges, type ReadPriority, readPriorities } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { PeerConnection } from '../../peer/index.ts'
import type { WantedRanges } from '../shared/wanted-ranges.ts'

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

interface Told {
  readonly connection: PeerConnection
  readonly said: Map<ReadPriority, Said>
}

/**
 * Tells the origins that are bringing a blob which bytes its readers wait for. They are told again only when they know too
 * little of what is ahead, or before they forget it, and that nothing is wanted any more when this is so.
 */
export class WantTeller {
  readonly #components: WantTellerComponents
  readonly #wanted: WantedShare
  readonly #origins = new Map<string, Told>()
  readonly #due: Alarm
  #lookedMs = Number.NEGATIVE_INFINITY

  constructor(components: WantTellerComponents, wanted: WantedShare) {
    this.#components = components
    this.#wanted = wanted
    this.#due = components.wheel.alarm((nowMs) => this.#tell(nowMs))
  }

  /** Who is no origin is told nothing. */
  add(connection: PeerConnection): void {
    if (connection.hello.role !== 'origin') return
    this.#origins.set(connection.hello.peerId, { connection, said: new Map() })
    this.look()
  }

  remove(id: string): void {
    this.#origins.delete(id)
  }

  /** What readers want may have changed. */
  look(): void {
    if (this.#origins.size > 0) this.#due.by(this.#lookedMs + this.#components.limits.wantEveryMs)
  }

  stop(): void {
    this.#due.cancel()
    this.#origins.clear()
  }

  #tell(nowMs: number): void {
    const { wantEveryMs } = this.#components.limits
    this.#lookedMs = nowMs
    const [all, enough] = [this.#wanted(1), this.#wanted(ENOUGH)]
    for (const told of this.#origins.values()) {
      for (const priority of readPriorities)
        this.#say(told, { priority, all: all[priority], enough: enough[priority] }, nowMs)
    }
    // What is ahead of readers moves with each byte that they take, which nobody tells.
    if (readPriorities.some((priority) => all[priority].length > 0)) this.#due.at(nowMs + wantEveryMs)
  }

  #say(
    { connection, said }: Told,
    {
      priority,
      all,
      enough,
    }: { readonly priority: ReadPriority } & Readonly<Record<'all' | 'enough', readonly ByteRange[]>>,
    nowMs: number,
  ): void {
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
