import { buildIndexAdmin, describedRoutes } from '../../lib/api/index.ts'
import type { Route } from '../../lib/http/index.ts'

/** The admin API of a build-index. */
export function buildIndexAdminRoutes(): readonly Route[] {
  return describedRoutes('build-index', buildIndexAdmin, [])
}
