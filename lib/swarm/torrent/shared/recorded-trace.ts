import type { Clock } from '../../../base/index.ts'
import type { PeerRole, WaitCause } from '../../../core/index.ts'
import type { PullTrace, WaitedFor } from './pull-trace.ts'

/** A peer as a trace names it. */
export interface NamedSource {
  readonly id: string
  /** Host and port where it listens. */
  readonly address: string
  readonly role: PeerRole
}

/** How long a pull waited for one cause, and for one peer where it was one. */
export interface WaitTotal {
  readonly cause: WaitCause
  readonly from?: NamedSource
  readonly ms: number
  /** How often it began to. */
  readonly times: number
  /** The most peers that had what it waited for, at one moment; 0 where that does not matter. */
  readonly holders: number
}

/** One long wait on the way of a pull. */
export interface LongWait {
  readonly cause: WaitCause
  readonly from?: NamedSource
  /** Since the pull began. */
  readonly atMs: number
  readonly ms: number
}

/** What a trace has recorded so far. */
export interface WaitReport {
  /** The longest first; together they are as long as the pull so far. */
  readonly waits: readonly WaitTotal[]
  /** The longest waits for anything but the client, in order of time. */
  readonly longest: readonly LongWait[]
}

/** Rows of one trace; what would need more counts without its peer. */
const MAX_ROWS = 48
/** So many long waits are kept one by one, if they are at least so long. */
const MAX_LONG_WAITS = 12
const LONG_WAIT_MS = 5
/** Less than this between the two clocks is no standstill. */
const CLOCKS_APART_MS = 1

interface Row {
  readonly cause: WaitCause
  from: NamedSource | undefined
  ms: number
  times: number
  holders: number
}

/** The trace of one pull, in bounded memory: sums by cause and peer, and its longest waits. Nothing grows with its bytes. */
export class RecordedTrace implements PullTrace {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #startMs: number
  readonly #rows: Row[] = []
  readonly #longest: LongWait[] = []
  #cause: WaitCause
  #from: WaitedFor | undefined
  #late: number | undefined
  #holders = 0
  /** When the wait under way began, by the clock and by the wheel; the latter is unknown before the first turn. */
  #sinceMs: number
  #sinceWheelMs: number | undefined
  #stopped = false

  /** `cause` is what it waits for first. */
  constructor(clock: Pick<Clock, 'monotonicMs'>, cause: WaitCause) {
    this.#clock = clock
    this.#startMs = clock.monotonicMs()
    this.#sinceMs = this.#startMs
    this.#cause = cause
  }

  turn(nowMs: number, cause: WaitCause, from?: WaitedFor, holders = 0): void {
    if (this.#stopped) return
    this.#settle(this.#clock.monotonicMs(), nowMs)
    this.#cause = cause
    this.#from = from
    this.#late = from?.late
    this.#holders = holders
    this.#sinceWheelMs = nowMs
  }

  /** The pull is over: nothing more is recorded, and nothing of its peers is held any more. Idempotent. */
  stop(): void {
    if (this.#stopped) return
    this.#settle(this.#clock.monotonicMs(), undefined)
    this.#stopped = true
    this.#from = undefined
    for (const row of this.#rows) row.from = namedIn(row.from).from
  }

  /** Rows and long waits: its memory is a small part of a kilobyte for each. */
  get size(): number {
    return this.#rows.length + this.#longest.length
  }

  report(): WaitReport {
    const waits = this.#rows.map((row) => ({ ...row }))
    const longest = [...this.#longest]
    if (!this.#stopped) {
      const cause = this.#verdict
      const from = this.#from
      const ms = this.#clock.monotonicMs() - this.#sinceMs
      addTo(waits, { cause, from, ms, holders: this.#holders })
      if (cause !== 'client') keepLongest(longest, { cause, ...namedIn(from), atMs: this.#sinceMs - this.#startMs, ms })
    }
    return {
      waits: waits.map(({ from, ...row }) => ({ ...row, ...namedIn(from) })).sort((a, b) => b.ms - a.ms),
      longest: longest.sort((a, b) => a.atMs - b.atMs),
    }
  }

  /** What the wait under way is for, as it looks now. */
  get #verdict(): WaitCause {
    return this.#from !== undefined && this.#from.late !== this.#late ? 'timedOut' : this.#cause
  }

  /** Counts the wait under way up to now. The time for which the process stood still is nobody's but its own. */
  #settle(clockMs: number, wheelMs: number | undefined): void {
    const elapsedMs = clockMs - this.#sinceMs
    const movedMs = wheelMs === undefined || this.#sinceWheelMs === undefined ? elapsedMs : wheelMs - this.#sinceWheelMs
    const stoodMs = Math.max(0, elapsedMs - Math.max(0, movedMs))
    // The clock is read a moment after the wheel.
    const ownMs = stoodMs >= CLOCKS_APART_MS ? stoodMs : 0
    if (ownMs > 0) this.#count('standstill', undefined, ownMs)
    this.#count(this.#verdict, this.#from, elapsedMs - ownMs)
    this.#sinceMs = clockMs
    this.#sinceWheelMs = wheelMs
  }

  #count(cause: WaitCause, from: WaitedFor | undefined, ms: number): void {
    addTo(this.#rows, { cause, from, ms, holders: cause === 'standstill' ? 0 : this.#holders })
    if (cause === 'client' || ms < LONG_WAIT_MS) return
    keepLongest(this.#longest, { cause, ...namedIn(from), atMs: this.#sinceMs - this.#startMs, ms })
  }
}

function addTo(rows: Row[], { cause, from, ms, holders }: Omit<Row, 'times'>): void {
  const row = rows.find((each) => each.cause === cause && each.from?.id === from?.id)
  if (row !== undefined) {
    row.ms += ms
    row.times += 1
    row.holders = Math.max(row.holders, holders)
  } else if (from !== undefined && rows.length >= MAX_ROWS) addTo(rows, { cause, from: undefined, ms, holders })
  else rows.push({ cause, from, ms, times: 1, holders })
}

/** Puts the wait among the longest, in place of the shortest of them. */
function keepLongest(longest: LongWait[], wait: LongWait): void {
  if (longest.length >= MAX_LONG_WAITS) {
    const shortest = longest.reduce((least, each) => (each.ms < least.ms ? each : least))
    if (shortest.ms >= wait.ms) return
    longest.splice(longest.indexOf(shortest), 1)
  }
  longest.push(wait)
}

function namedIn(from: NamedSource | undefined): { readonly from?: NamedSource } {
  return from === undefined ? {} : { from: { id: from.id, address: from.address, role: from.role } }
}
