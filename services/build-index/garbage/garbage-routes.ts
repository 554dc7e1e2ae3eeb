import { adminBody, adminRoute, buildIndexAdmin } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { Collector } from './collector.ts'

/** Garbage in the admin API of a build-index. Any build-index answers for all: what they share lies in the backend. */
export function garbageAdminRoutes(garbage: Collector | undefined): readonly Route[] {
  const { gc, gcReport, gcStop, gcTakeOver } = buildIndexAdmin
  const own = () => {
    if (garbage !== undefined) return garbage
    const message = 'the index is a registry of others, which removes its garbage itself'
    throw appError('UNSUPPORTED', { message })
  }
  return [
    adminRoute(gc, async (exchange) => {
      const { dryRun = false } = await adminBody(gc, exchange)
      sendJson(exchange, 202, await own().order({ dryRun, signal: exchange.signal }))
    }),
    adminRoute(gcReport, async (exchange) => sendJson(exchange, 200, await own().report(exchange))),
    adminRoute(gcStop, async (exchange) => {
      await own().end(exchange)
      sendEmpty(exchange, 202)
    }),
    adminRoute(gcTakeOver, async (exchange) =>
      sendJson(exchange, 200, { clusters: await own().takeOver({ signal: exchange.signal }) }),
    ),
  ]
}
