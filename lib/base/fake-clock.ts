import { type Clock, sleepOn } from './clock.ts'

export interface FakeClock extends Clock {
  /** Moves time forward; fires timers in order and lets promises settle between them. */
  advance(ms: number): Promise<void>
  /** Lets time pass without running anything, as when the event loop stands still; `advance` then fires what is overdue. */
  stall(ms: number): void
  /** Number of timers that have neither fired nor been cancelled. */
  readonly pending: number
}

interface Entry {
  readonly at: number
  readonly fn: () => void
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A clock that moves only when told to; replaces `systemClock` in tests and the simulator. */
export function fakeClock(startMs = 1_700_000_000_000): FakeClock {
  let now = startMs
  const entries = new Set<Entry>()

  const nextBefore = (limit: number): Entry | undefined => {
    let best: Entry | undefined
    for (const entry of entries) {
      if (entry.at <= limit && (best === undefined || entry.at < best.at)) best = entry
    }
    return best
  }

  const clock: FakeClock = {
    now: () => now,
    monotonicMs: () => now - startMs,
    setTimer(delayMs, fn) {
      const entry = { at: now + Math.max(0, delayMs), fn }
      entries.add(entry)
      return { cancel: () => void entries.delete(entry) }
    },
    sleep: (delayMs, options = {}) => sleepOn(clock, delayMs, options.signal),
    async advance(ms) {
      const limit = now + ms
      await settle()
      for (let entry = nextBefore(limit); entry !== undefined; entry = nextBefore(limit)) {
        entries.delete(entry)
        now = Math.max(now, entry.at)
        entry.fn()
        await settle()
      }
      now = limit
      await settle()
    },
    stall(ms) {
      now += ms
    },
    get pending() {
      return entries.size
    },
  }
  return clock
}
