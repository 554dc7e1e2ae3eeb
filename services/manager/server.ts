import { managerApi, openApiDocument } from '../../lib/api/index.ts'
import { pageRequest, type Route, sendJson } from '../../lib/http/index.ts'
import { type AuditLog, auditFilter } from './audit-log.ts'
import { managerRoute } from './managed.ts'
import { type PersonRoutesComponents, personRoutes } from './people/index.ts'

const PAGE = { max: 1000, usual: 100, least: 1 }

export interface ManagerRoutesComponents {
  readonly audit: Pick<AuditLog, 'page'>
  readonly people: PersonRoutesComponents
  /** Routes of the wings; default none. */
  readonly wings?: readonly Route[]
}

/** The API of a manager. */
export function managerRoutes({ audit, people, wings = [] }: ManagerRoutesComponents): readonly Route[] {
  const document = openApiDocument('manager', managerApi)
  return [
    managerRoute(managerApi.audit, async (exchange) => {
      sendJson(exchange, 200, await audit.page(pageRequest(exchange.query, PAGE), auditFilter(exchange.query)))
    }),
    ...personRoutes(people),
    managerRoute(managerApi.openApi, (exchange) => sendJson(exchange, 200, document)),
    ...wings,
  ]
}
