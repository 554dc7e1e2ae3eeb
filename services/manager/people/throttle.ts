import { appError, type Clock, countCache } from '../../../lib/base/index.ts'
import { refusal } from '../../../lib/http/index.ts'

/** Slows down who guesses passwords: by the name that is tried, whether there is such a user or not, and by the caller. */
export interface Throttle {
  /**
   * Before a try, which counts as failed until the result is called.
   * @throws TOOMANYREQUESTS with Retry-After
   */
  admit(name: string, from: string): () => void
}

interface Allowance {
  /** Failures at once, and how soon one more. */
  readonly burst: number
  readonly everyMs: number
}

const BY_NAME: Allowance = { burst: 10, everyMs: 30_000 }
const BY_CALLER: Allowance = { burst: 30, everyMs: 2_000 }
/** Names, and callers, that are remembered. */
const MAX_REMEMBERED = 10_000

function failures(clock: Pick<Clock, 'monotonicMs'>, { burst, everyMs }: Allowance) {
  const known = countCache<{ readonly left: number; readonly atMs: number }>(clock, { maxEntries: MAX_REMEMBERED })
  const leftOf = (key: string): number => {
    const found = known.get(key)
    return found === undefined ? burst : Math.min(burst, found.left + (clock.monotonicMs() - found.atMs) / everyMs)
  }
  return {
    /** Milliseconds until one more try is allowed. */
    waitMs: (key: string) => Math.max(0, Math.ceil((1 - leftOf(key)) * everyMs)),
    count: (key: string, tries: number) =>
      known.set(key, { left: Math.min(burst, leftOf(key) - tries), atMs: clock.monotonicMs() }),
  }
}

export function throttle(clock: Pick<Clock, 'monotonicMs'>): Throttle {
  const names = failures(clock, BY_NAME)
  const callers = failures(clock, BY_CALLER)
  const count = (name: string, from: string, tries: number) => {
    names.count(name, tries)
    callers.count(from, tries)
  }
  return {
    admit(name, from) {
      const waitMs = Math.max(names.waitMs(name), callers.waitMs(from))
      if (waitMs > 0) {
        const err = appError('TOOMANYREQUESTS', { message: 'too many tries to sign in have failed; wait' })
        throw refusal(err, { 'retry-after': Math.ceil(waitMs / 1000) })
      }
      count(name, from, 1)
      return () => count(name, from, -1)
    },
  }
}
