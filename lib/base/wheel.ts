import type { Clock, Timer } from './clock.ts'
import { DeadlineHeap } from './deadline-heap.ts'

/** One thing that happens later, once each time it is set. To move it to a later time costs a comparison. */
export interface Alarm {
  /** Sets it to `dueMs`, whatever it was set to; a time in the past means soon. `Infinity` unsets it. */
  at(dueMs: number): void
  /** Sets it to `dueMs`, unless it is due earlier already. */
  by(dueMs: number): void
  /** Unsets it. Idempotent. */
  cancel(): void
}

/**
 * Everything of one owner that happens later, behind a single timer. Nothing is looked at before it is due.
 *
 * Its time stands still while the process does: after a standstill, what came meanwhile is read before anybody is
 * judged, and nobody else is late because of it. Of a standstill that is over when the timer is due, at most a quarter
 * of the wait, or 100 ms, passes unnoticed.
 */
export interface Wheel {
  /** Milliseconds that never go backwards, without the time for which the process stood still. */
  readonly nowMs: number
  /** An alarm that is not set. `onDue` runs in nobody's call, so it must not throw; it may set any alarm. */
  alarm(onDue: (nowMs: number) => void): Alarm
  /** Unsets all alarms. */
  stop(): void
}

/** A timer that is later than this follows a standstill of the process. */
const STALL_MS = 50
/** After a standstill timers run before what came meanwhile is read from the sockets: alarms wait for it. */
const CATCH_UP_MS = 10
/** A long wait is cut into parts, so that a standstill is noticed: each is this share of what is left, or so long. */
const HOP = { share: 0.25, minMs: 100 }
/** Clocks are no finer than this: a shorter wait might end before its time has come, again and again. */
const SHORTEST_MS = 1

export function wheel(clock: Pick<Clock, 'monotonicMs' | 'setTimer'>): Wheel {
  return new AlarmWheel(clock)
}

class Entry implements Alarm {
  readonly onDue: (nowMs: number) => void
  readonly #wheel: AlarmWheel
  /** `Infinity` while it is not set. */
  dueMs = Number.POSITIVE_INFINITY
  /** Not later than `dueMs`: an alarm that is moved to a later time keeps its place until it comes up. */
  keyMs = 0
  place = -1

  constructor(owner: AlarmWheel, onDue: (nowMs: number) => void) {
    this.#wheel = owner
    this.onDue = onDue
  }

  at(dueMs: number): void {
    this.dueMs = dueMs
    if (dueMs === Number.POSITIVE_INFINITY) this.#wheel.leave(this)
    else if (this.place < 0 || dueMs < this.keyMs) this.#wheel.enter(this)
  }

  by(dueMs: number): void {
    if (dueMs < this.dueMs) this.at(dueMs)
  }

  cancel(): void {
    this.at(Number.POSITIVE_INFINITY)
  }
}

class AlarmWheel implements Wheel {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'setTimer'>
  readonly #heap = new DeadlineHeap<Entry>()
  #timer: Timer | undefined
  /** When the timer should fire, by the clock. */
  #wakeMs = Number.POSITIVE_INFINITY
  /** For how long the process has stood still in all. */
  #lostMs = 0
  /** When somebody last asked for the time, by the clock: what was told then is not taken back. */
  #seenMs = Number.NEGATIVE_INFINITY
  /** A standstill was noticed, and what came meanwhile may not have been read yet; or it is just being read. */
  #behind: 'no' | 'noticed' | 'reading' = 'no'
  /** The alarms of this moment, while they ring. */
  #due: readonly Entry[] | undefined

  constructor(clock: Pick<Clock, 'monotonicMs' | 'setTimer'>) {
    this.#clock = clock
  }

  get nowMs(): number {
    const clockMs = this.#clock.monotonicMs()
    if (clockMs - this.#wakeMs >= STALL_MS) {
      this.#lostMs += clockMs - Math.max(this.#wakeMs, this.#seenMs)
      this.#wakeMs = clockMs
      if (this.#behind === 'no') this.#behind = 'noticed'
    }
    this.#seenMs = clockMs
    return clockMs - this.#lostMs
  }

  alarm(onDue: (nowMs: number) => void): Alarm {
    return new Entry(this, onDue)
  }

  stop(): void {
    for (const entry of this.#due ?? []) entry.cancel()
    for (let { first } = this.#heap; first !== undefined; first = this.#heap.first) first.cancel()
  }

  enter(entry: Entry): void {
    if (entry.place >= 0) this.#heap.remove(entry)
    entry.keyMs = entry.dueMs
    this.#heap.add(entry)
    if (entry.place === 0) this.#wait()
  }

  leave(entry: Entry): void {
    if (entry.place < 0) return
    this.#heap.remove(entry)
    if (this.#heap.size > 0) return
    this.#setTimer(undefined)
    // Nobody is left who waits for that, and the timer that would have ended it is gone.
    this.#behind = 'no'
  }

  /** Sets the timer for the first alarm, unless it fires early enough. */
  #wait(): void {
    const { first } = this.#heap
    if (first === undefined || this.#due !== undefined || this.#behind === 'reading') return
    const leftMs = first.keyMs - this.nowMs
    const partMs = Math.min(leftMs, Math.max(HOP.minMs, Math.floor(leftMs * HOP.share)))
    const hopMs = leftMs <= 0 ? 0 : Math.max(SHORTEST_MS, partMs)
    if (this.#timer === undefined || this.nowMs + this.#lostMs + hopMs < this.#wakeMs) this.#setTimer(hopMs)
  }

  #setTimer(delayMs: number | undefined): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#wakeMs = Number.POSITIVE_INFINITY
    if (delayMs === undefined) return
    this.#wakeMs = this.#clock.monotonicMs() + delayMs
    this.#timer = this.#clock.setTimer(delayMs, () => this.#wake())
  }

  #wake(): void {
    const { nowMs } = this
    if (this.#behind === 'noticed') {
      this.#behind = 'reading'
      this.#setTimer(CATCH_UP_MS)
      return
    }
    this.#behind = 'no'
    this.#timer = undefined
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.#ring(nowMs)
    this.#wait()
  }

  /** Alarms that are set meanwhile come up the next time. */
  #ring(nowMs: number): void {
    const due: Entry[] = []
    for (let { first } = this.#heap; first !== undefined && first.keyMs <= nowMs; first = this.#heap.first) {
      this.#heap.remove(first)
      if (first.dueMs <= nowMs) due.push(first)
      else this.#putBack(first)
    }
    this.#due = due
    for (const entry of due) {
      if (entry.place >= 0 || entry.dueMs > nowMs) continue
      entry.dueMs = Number.POSITIVE_INFINITY
      entry.onDue(nowMs)
    }
    this.#due = undefined
  }

  #putBack(entry: Entry): void {
    entry.keyMs = entry.dueMs
    this.#heap.add(entry)
  }
}
