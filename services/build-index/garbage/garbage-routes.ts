import { adminRoute, buildIndexAdmin } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Route, sendJson } from '../../../lib/http/index.ts'
import { lookRoutes } from '../looks/look-routes.ts'
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
    ...lookRoutes({ order: gc, report: gcReport, stop: gcStop }, own),
    adminRoute(gcTakeOver, async (exchange) =>
      sendJson(exchange, 200, { clusters: await own().takeOver({ signal: exchange.signal }) }),
    ),
  ]
}
