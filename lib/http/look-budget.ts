import { appError, type Clock, hasCode } from '../base/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import { type CallerAccountsInit, type CallerOf, callerAccounts } from './caller-accounts.ts'
import { refusal } from './refusal.ts'
import type { SlowDown } from './request-rate.ts'

/** What each caller may ask for in vain: to find out that something is nowhere costs more than to ask. */
export interface LookBudget {
  /**
   * Pays for one look. Whoever finds something, or fails to find out, calls the result, once or more often, and has paid
   * nothing. @throws TOOMANYREQUESTS, or UNAVAILABLE, while the caller has nothing left
   */
  pay(req: CallerOf): () => void
  /**
   * Pays for `work`, for good only when it fails with BLOB_UNKNOWN, MANIFEST_UNKNOWN or NAME_UNKNOWN.
   * @throws TOOMANYREQUESTS, UNAVAILABLE
   */
  during<T>(req: CallerOf, work: () => Promise<T>): Promise<T>
}

/** Looks in vain per second, and how many a pause can save up. */
export interface LookBudgetInit extends CallerAccountsInit {
  /** How a caller is told to slow down; default TOOMANYREQUESTS. */
  readonly code?: SlowDown
}

export function lookBudget(
  { clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics },
  { code = 'TOOMANYREQUESTS', ...init }: LookBudgetInit,
): LookBudget {
  const accounts = callerAccounts(clock, init)
  const help = 'Requests refused because their caller asked for too much that is nowhere.'
  const refused = metrics.counter({ name: 'shoal_http_looks_refused_total', help }).with({})

  const pay = (req: CallerOf) => {
    if (!accounts.take(req)) {
      refused.add()
      throw refusal(appError(code, { message: 'too much was asked for that is nowhere; slow down' }), {
        'retry-after': '1',
      })
    }
    let paid = 1
    return () => {
      accounts.giveBack(req, paid)
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
