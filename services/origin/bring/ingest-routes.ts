import { adminRoute, originAdmin } from '../../../lib/api/index.ts'
import { type Exchange, pageRequest, type Route, sendJson } from '../../../lib/http/index.ts'
import type { IngestInspection } from './ingest-contract.ts'

/** Blobs on one page of the list. */
const PAGE = 1000

export interface IngestRoutesComponents {
  readonly ingests: IngestInspection
}

/** Admin route: the blobs that this origin is bringing. */
export function ingestRoutes({ ingests }: IngestRoutesComponents): readonly Route[] {
  const list = (exchange: Exchange) => {
    const { count, last = '' } = pageRequest(exchange.query, { max: PAGE, least: 1 })
    const rest = ingests
      .underWay()
      .filter(({ id }) => id > last)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const page = rest.slice(0, count)
    const next = page.length < rest.length ? { next: page.at(-1)?.id } : {}
    sendJson(exchange, 200, { ingests: page, ...next })
  }
  return [adminRoute(originAdmin.ingests, list)]
}
