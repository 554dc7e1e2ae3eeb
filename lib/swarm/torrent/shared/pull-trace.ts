import type { Clock, Wheel } from '../../../base/index.ts'
import type { PeerRole, WaitCause } from '../../../core/index.ts'

/** Whom a pull waits for. */
export interface WaitedFor {
  readonly id: string
  /** Host and port where it listens. */
  readonly address: string
  readonly role: PeerRole
  /** How often it has been late so far. */
  readonly late: number
}

/** What is told of one pull while it runs. Only the pull itself tells it, one call after the other. */
export interface PullTrace {
  /**
   * From `nowMs` on, which is a time of the engine's wheel, the pull waits for `cause`: for `from`, where it is
   * somebody. `holders` peers have what it waits for. Called only when something of this changes; must not throw.
   */
  turn(nowMs: number, cause: WaitCause, from?: WaitedFor, holders?: number): void
}

/** Keeps nothing. */
export const silentTrace: PullTrace = { turn: () => undefined }

/** What a reader waits for; one object may be used again and again, so take out of it what you need at once. */
export interface WaitSpot {
  cause: WaitCause
  from: WaitedFor | undefined
  /** Connected peers that have what it waits for; 0 where that does not matter. */
  holders: number
}

export interface PullWatchComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly wheel: Pick<Wheel, 'nowMs'>
}

/** What the parts of one pull tell of its progress: the only writer of its trace. */
export class PullWatch {
  readonly #components: PullWatchComponents
  readonly #trace: PullTrace
  #firstByteMs: number | undefined
  #cause: WaitCause | undefined
  #from: WaitedFor | undefined
  #late: number | undefined

  constructor(components: PullWatchComponents, trace: PullTrace) {
    this.#components = components
    this.#trace = trace
  }

  /** Somebody looks: it is worth finding out why the pull waits. */
  get traced(): boolean {
    return this.#trace !== silentTrace
  }

  /** When a reader had its first byte, in the clock's monotonic milliseconds. */
  get firstByteMs(): number | undefined {
    return this.#firstByteMs
  }

  /** From now on the pull waits for this. Costs some comparisons when nothing has changed. */
  turn(cause: WaitCause, from?: WaitedFor, holders?: number): void {
    if (cause === this.#cause && from === this.#from && from?.late === this.#late) return
    this.#cause = cause
    this.#from = from
    this.#late = from?.late
    if (this.traced) this.#trace.turn(this.#components.wheel.nowMs, cause, from, holders)
  }

  /** A reader has its first byte. */
  firstByte(): void {
    this.#firstByteMs ??= this.#components.clock.monotonicMs()
  }
}

/** For a reader that nobody traces. */
export function unwatched(): PullWatch {
  return new PullWatch({ clock: { monotonicMs: () => 0 }, wheel: { nowMs: 0 } }, silentTrace)
}
