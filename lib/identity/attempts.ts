import { appError, type Clock, countCache, slots } from '../base/index.ts'

/** Bounds what can be guessed, and how much work guesses make. */
export interface Attempts {
  /**
   * Does one try of the caller at that address when it is its turn; one that gives undefined has failed, and counts.
   * @throws TOOMANYREQUESTS when the caller has failed too often lately, or too many tries wait; ABORTED
   */
  run<T>(from: string, work: () => Promise<T | undefined>, signal: AbortSignal | undefined): Promise<T | undefined>
}

/** Failures that one address may have at once, and how soon it may have one more. */
const FAILURES = { burst: 30, perSecond: 0.5 }
/** Tries that are under way or wait: of all addresses, and of one. */
const WAITING = { all: 32, each: 4 }
/** Addresses that are remembered. */
const MAX_ADDRESSES = 10_000

export function attempts(clock: Pick<Clock, 'monotonicMs'>): Attempts {
  const failures = countCache<{ readonly left: number; readonly atMs: number }>(clock, { maxEntries: MAX_ADDRESSES })
  const waiting = new Map<string, number>()
  const turns = slots(1)

  const leftOf = (from: string): number => {
    const { left, atMs } = failures.get(from) ?? { left: FAILURES.burst, atMs: 0 }
    return Math.min(FAILURES.burst, left + ((clock.monotonicMs() - atMs) / 1000) * FAILURES.perSecond)
  }
  const enter = (from: string) => {
    const own = waiting.get(from) ?? 0
    if (leftOf(from) < 1) throw tooMany('too many passwords were wrong; wait a minute')
    if (own >= WAITING.each || turns.waiting >= WAITING.all) throw tooMany('too many passwords wait to be checked')
    waiting.set(from, own + 1)
  }
  const leave = (from: string) => {
    const left = (waiting.get(from) ?? 1) - 1
    if (left > 0) waiting.set(from, left)
    else waiting.delete(from)
  }
  return {
    async run(from, work, signal) {
      enter(from)
      try {
        const result = await turns.run(work, { signal })
        if (result === undefined) failures.set(from, { left: leftOf(from) - 1, atMs: clock.monotonicMs() })
        return result
      } finally {
        leave(from)
      }
    },
  }
}

function tooMany(message: string) {
  return appError('TOOMANYREQUESTS', { message })
}
