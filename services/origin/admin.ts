import type { Route } from '../../lib/http/index.ts'
import { type TaskRoutesComponents, taskRoutes } from './push/task-routes.ts'
import { type UploadAdminComponents, uploadAdminRoutes } from './push/upload-admin.ts'
import { type UpkeepRoutesComponents, upkeepRoutes } from './upkeep/upkeep-routes.ts'

export type OriginAdminComponents = UpkeepRoutesComponents & TaskRoutesComponents & UploadAdminComponents

/** The admin API of an origin: its blobs, its uploads, and the tasks that wait for a backend. */
export function originAdminRoutes(components: OriginAdminComponents): readonly Route[] {
  return [...upkeepRoutes(components), ...uploadAdminRoutes(components), ...taskRoutes(components)]
}
