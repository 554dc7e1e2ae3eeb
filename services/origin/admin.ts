import type { Route } from '../../lib/http/index.ts'
import { type TaskRoutesComponents, taskRoutes } from './push/task-routes.ts'
import { type UpkeepRoutesComponents, upkeepRoutes } from './upkeep/upkeep-routes.ts'

export type OriginAdminComponents = UpkeepRoutesComponents & TaskRoutesComponents

/** The admin API of an origin: what it holds and what waits, for the person on call. */
export function originAdminRoutes(components: OriginAdminComponents): readonly Route[] {
  return [...upkeepRoutes(components), ...taskRoutes(components)]
}
