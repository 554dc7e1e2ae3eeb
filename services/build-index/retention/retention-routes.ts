import { adminRoute, buildIndexAdmin, MAX_VERDICTS } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendJson } from '../../../lib/http/index.ts'
import { lookRoutes } from '../looks/look-routes.ts'
import type { Retention } from './retention.ts'

/** Retention in the admin API of a build-index. Any build-index answers for all: what they share lies in the backend. */
export function retentionRoutes(tags: Retention | undefined): readonly Route[] {
  const { retention, retentionReport, retentionStop, retentionTags, retentionManifests } = buildIndexAdmin
  const own = () => {
    if (tags !== undefined) return tags
    const message = 'the index is a registry of others, which has rules of its own'
    throw appError('UNSUPPORTED', { message })
  }
  return [
    ...lookRoutes({ order: retention, report: retentionReport, stop: retentionStop }, own),
    adminRoute(retentionTags, async (exchange) => {
      const all = await own().verdicts(repositoryOf(exchange), exchange)
      const { page, next } = pageOf(exchange, all, ({ tag }) => tag)
      sendJson(exchange, 200, { tags: page, ...(next !== undefined && { next }) })
    }),
    adminRoute(retentionManifests, async (exchange) => {
      const all = await own().manifestVerdicts(repositoryOf(exchange), exchange)
      const { page, next } = pageOf(exchange, all, ({ digest }) => digest)
      sendJson(exchange, 200, { manifests: page, ...(next !== undefined && { next }) })
    }),
  ]
}

const repositoryOf = ({ params }: Exchange) => parseRepository(params['repository'] ?? '')

/** The page that is asked for of what is in the order of its names. */
function pageOf<T>({ query }: Exchange, all: readonly T[], nameOf: (one: T) => string) {
  const { count, last } = pageRequest(query, { max: MAX_VERDICTS, usual: MAX_VERDICTS, least: 1 })
  const rest = last === undefined ? all : all.filter((one) => nameOf(one) > last)
  const page = rest.slice(0, count)
  const end = page.at(-1)
  return { page, next: end !== undefined && rest.length > page.length ? nameOf(end) : undefined }
}
