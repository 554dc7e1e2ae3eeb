import { appError, type Clock, countCache, hasCode } from '../base/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import { clientOf } from './client-of.ts'
import { refusal } from './refusal.ts'

/** What tells the caller of a request. */
interface CallerOf {
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** What each caller may ask for in vain: to find out that something is nowhere costs more than to ask. */
export interface LookBudget {
  /**
   * Pays for one look. Whoever finds something, or fails to find out, calls the result, once or more often, and has paid
   * nothing. @throws TOOMANYREQUESTS while the caller has nothing left
   */
  pay(req: CallerOf): () => void
  /**
   * Pays for `work`, for good only when it fails with BLOB_UNKNOWN, MANIFEST_UNKNOWN or NAME_UNKNOWN.
   * @throws TOOMANYREQUESTS
   */
  during<T>(req: CallerOf, work: () => Promise<T>): Promise<T>
}

export interface LookBudgetInit {
  /** Looks in vain per second, and how many a pause can save up. */
  readonly perSecond: number
  readonly burst: number
}

/** Callers that are remembered; who was not seen for the longest time begins anew. */
const MAX_CALLERS = 10_000

export function lookBudget(
  { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics },
  { perSecond, burst }: LookBudgetInit,
): LookBudget {
  const callers = countCache<{ left: number; atMs: number }>(clock, { maxEntries: MAX_CALLERS })
  const help = 'Requests refused because their caller asked for too much that is nowhere.'
  const refused = metrics.counter({ name: 'shoal_http_looks_refused_total', help }).with({})

  const accountOf = (name: string) => {
    const nowMs = clock.monotonicMs()
    const account = callers.get(name) ?? { left: burst, atMs: nowMs }
    account.left = Math.min(burst, account.left + ((nowMs - account.atMs) / 1000) * perSecond)
    account.atMs = nowMs
    callers.set(name, account)
    return account
  }
  const pay = (req: CallerOf) => {
    const account = accountOf(clientOf(req))
    if (account.left < 1) {
      refused.add()
      const message = 'too much was asked for that is nowhere; slow down'
      throw refusal(appError('TOOMANYREQUESTS', { message }), { 'retry-after': '1' })
    }
    account.left -= 1
    let paid = 1
    return () => {
      account.left = Math.min(burst, account.left + paid)
      paid = 0
    }
  }

  return {
    pay,
    async during(req, work) {
      const payBack = pay(req)
      try {
        const result = await work()
        payBack()
        return result
      } catch (err) {
        if (!hasCode(err, 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) payBack()
        throw err
      }
    },
  }
}
