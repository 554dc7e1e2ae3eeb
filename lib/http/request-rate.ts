import { appError, type Clock } from '../base/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import { type CallerOf, callerAccounts } from './caller-accounts.ts'
import { limitRefusals } from './load.ts'
import { refusal } from './refusal.ts'

/** How many requests each client may send. */
export interface RequestRate {
  /** Counts a request. @throws TOOMANYREQUESTS, or UNAVAILABLE, while its client has sent too many */
  count(req: CallerOf): void
}

/** The same, by whoever may change it. */
export interface AdjustableRate extends RequestRate {
  /** From now on, and every client begins anew; undefined: any number. */
  setRate(perSecond: number | undefined): void
}

/**
 * How a client is told to slow down. `TOOMANYREQUESTS` is the word for it. But containerd repeats a request at once, five
 * times, when a mirror says so, and goes to its next host when that is `UNAVAILABLE`: so a mirror says this.
 */
export type SlowDown = 'TOOMANYREQUESTS' | 'UNAVAILABLE'

export interface RequestRateInit {
  /** Name of the listener, for the metric. */
  readonly listener: string
  /** Of one client; undefined: any number. */
  readonly perSecond: number | undefined
  readonly code: SlowDown
}

/** So many seconds may be saved up: a push or a pull of many layers is a burst, after which nothing comes. */
const BURST_SECONDS = 20

export function requestRate(
  { clock, metrics }: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly metrics: Metrics },
  { listener, perSecond: first, code }: RequestRateInit,
): AdjustableRate {
  const at = (perSecond: number | undefined) =>
    perSecond === undefined
      ? undefined
      : {
          accounts: callerAccounts(clock, { perSecond, burst: Math.max(1, perSecond * BURST_SECONDS) }),
          refused: limitRefusals(metrics).with({ listener, limit: 'requests' }),
        }
  let limit = at(first)
  return {
    setRate(perSecond) {
      limit = at(perSecond)
    },
    count(req) {
      if (limit === undefined || limit.accounts.take(req)) return
      const { accounts, refused } = limit
      refused.add()
      const err = appError(code, { message: 'this client sends too many requests; slow down' })
      throw refusal(err, { 'retry-after': Math.max(1, Math.ceil(accounts.untilNextMs(req) / 1000)) })
    },
  }
}
