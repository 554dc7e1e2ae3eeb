import { adminBody, adminRoute, type buildIndexAdmin } from '../../../lib/api/index.ts'
import { type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { LeasedLooks } from './leased-looks.ts'
import type { LookReport } from './look-run.ts'

type Calls = typeof buildIndexAdmin

/** The calls of the admin API by which one kind of looks is led. */
export interface LookCalls {
  readonly order: Calls['gc'] | Calls['retention']
  readonly report: Calls['gcReport'] | Calls['retentionReport']
  readonly stop: Calls['gcStop'] | Calls['retentionStop']
}

/** An admin begins a look, reads how far it is, and ends it. `own` throws UNSUPPORTED where there are none. */
export function lookRoutes(
  { order, report, stop }: LookCalls,
  own: () => Pick<LeasedLooks<LookReport>, 'order' | 'report' | 'end'>,
): readonly Route[] {
  return [
    adminRoute(order, async (exchange) => {
      const { dryRun = false } = await adminBody(order, exchange)
      sendJson(exchange, 202, await own().order({ dryRun, signal: exchange.signal }))
    }),
    adminRoute(report, async (exchange) => sendJson(exchange, 200, await own().report(exchange))),
    adminRoute(stop, async (exchange) => {
      await own().end(exchange)
      sendEmpty(exchange, 202)
    }),
  ]
}
