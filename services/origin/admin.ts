import { describedRoutes, originAdmin, ringRoutes, type Steered, settingsRoute } from '../../lib/api/index.ts'
import type { Clock } from '../../lib/base/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import type { Route } from '../../lib/http/index.ts'
import { type IngestRoutesComponents, ingestRoutes } from './bring/ingest-routes.ts'
import { type TaskRoutesComponents, taskRoutes } from './push/task-routes.ts'
import { type UploadAdminComponents, uploadAdminRoutes } from './push/upload-admin.ts'
import { type UpkeepRoutesComponents, upkeepRoutes } from './upkeep/upkeep-routes.ts'

export interface OriginAdminComponents
  extends UpkeepRoutesComponents,
    IngestRoutesComponents,
    TaskRoutesComponents,
    UploadAdminComponents {
  readonly clock: Clock
  readonly rings: Readonly<Record<string, Cluster>>
  readonly steering: Pick<Steered, 'status'>
}

/** The admin API of an origin: its blobs, what it brings, its uploads, and the tasks that wait for a backend. */
export function originAdminRoutes(components: OriginAdminComponents): readonly Route[] {
  return describedRoutes('origin', originAdmin, [
    ...ringRoutes(components.rings),
    settingsRoute(components.steering),
    ...upkeepRoutes(components),
    ...ingestRoutes(components),
    ...uploadAdminRoutes(components),
    ...taskRoutes(components),
  ])
}
