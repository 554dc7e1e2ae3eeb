import { type Clock, countCache } from '../base/index.ts'
import { clientOf } from './client-of.ts'

/** What tells the caller of a request. */
export interface CallerOf {
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** What each caller may still do. */
export interface CallerAccounts {
  /** Takes one; false when the caller has none left. */
  take(req: CallerOf): boolean
  /** Gives back what was taken. */
  giveBack(req: CallerOf, count: number): void
  /** Milliseconds until the caller has one again; 0 when he has. */
  untilNextMs(req: CallerOf): number
}

export interface CallerAccountsInit {
  /** What a caller gets per second, and how much a pause can save up. */
  readonly perSecond: number
  readonly burst: number
}

/** Callers that are remembered; who was not seen for the longest time begins anew. */
const MAX_CALLERS = 10_000

interface Account {
  left: number
  atMs: number
}

export function callerAccounts(
  clock: Pick<Clock, 'monotonicMs'>,
  { perSecond, burst }: CallerAccountsInit,
): CallerAccounts {
  const callers = countCache<Account>(clock, { maxEntries: MAX_CALLERS })
  const accountOf = (req: CallerOf) => {
    const name = clientOf(req)
    const nowMs = clock.monotonicMs()
    const account = callers.get(name) ?? { left: burst, atMs: nowMs }
    account.left = Math.min(burst, account.left + ((nowMs - account.atMs) / 1000) * perSecond)
    account.atMs = nowMs
    callers.set(name, account)
    return account
  }
  return {
    take(req) {
      const account = accountOf(req)
      if (account.left < 1) return false
      account.left -= 1
      return true
    },
    giveBack(req, count) {
      const account = accountOf(req)
      account.left = Math.min(burst, account.left + count)
    },
    untilNextMs(req) {
      const { left } = accountOf(req)
      return left >= 1 ? 0 : ((1 - left) / perSecond) * 1000
    },
  }
}
