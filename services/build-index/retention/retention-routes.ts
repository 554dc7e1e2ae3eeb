import { adminRoute, buildIndexAdmin, MAX_VERDICTS } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { pageRequest, type Route, sendJson } from '../../../lib/http/index.ts'
import { lookRoutes } from '../looks/look-routes.ts'
import type { Retention } from './retention.ts'

/** Retention in the admin API of a build-index. Any build-index answers for all: what they share lies in the backend. */
export function retentionRoutes(tags: Retention | undefined): readonly Route[] {
  const { retention, retentionReport, retentionStop, retentionTags } = buildIndexAdmin
  const own = () => {
    if (tags !== undefined) return tags
    const message = 'the index is a registry of others, which has rules of its own'
    throw appError('UNSUPPORTED', { message })
  }
  return [
    ...lookRoutes({ order: retention, report: retentionReport, stop: retentionStop }, own),
    adminRoute(retentionTags, async (exchange) => {
      const { query, params } = exchange
      const { count, last } = pageRequest(query, { max: MAX_VERDICTS, usual: MAX_VERDICTS, least: 1 })
      const all = await own().verdicts(parseRepository(params['repository'] ?? ''), exchange)
      const rest = last === undefined ? all : all.filter(({ tag }) => tag > last)
      const page = rest.slice(0, count)
      const next = rest.length > page.length ? page.at(-1)?.tag : undefined
      sendJson(exchange, 200, { tags: page, ...(next !== undefined && { next }) })
    }),
  ]
}
