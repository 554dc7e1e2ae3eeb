import {
  type BuildIndex,
  buildIndexAdmin,
  describedRoutes,
  ringRoutes,
  type Steered,
  settingsRoute,
} from '../../lib/api/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import type { Route } from '../../lib/http/index.ts'
import { catalogAdminRoutes, type ShownIndex } from './catalog-routes.ts'
import type { Collector } from './garbage/collector.ts'
import { garbageAdminRoutes } from './garbage/garbage-routes.ts'
import { type GivenRemoteRoutesComponents, givenRemoteRoutes } from './replication/given/given-remote-routes.ts'
import { type ReplicationRoutesComponents, replicationRoutes } from './replication/replication-routes.ts'
import type { Retention } from './retention/retention.ts'
import { retentionRoutes } from './retention/retention-routes.ts'
import { type UpstreamAdminComponents, upstreamAdminRoutes } from './upstream/upstream-admin.ts'

export interface BuildIndexAdminComponents
  extends ReplicationRoutesComponents,
    GivenRemoteRoutesComponents,
    UpstreamAdminComponents {
  readonly garbage: Collector | undefined
  readonly retention: Retention | undefined
  readonly index: ShownIndex
  /** Where clients change the index. */
  readonly changed: Pick<BuildIndex, 'deleteTag'>
  readonly rings: Readonly<Record<string, Cluster>>
  readonly steering: Pick<Steered, 'status'>
}

/** The admin API of a build-index. */
export function buildIndexAdminRoutes(components: BuildIndexAdminComponents): readonly Route[] {
  return describedRoutes('build-index', buildIndexAdmin, [
    ...ringRoutes(components.rings),
    settingsRoute(components.steering),
    ...catalogAdminRoutes(components.index, components.changed),
    ...replicationRoutes(components),
    ...givenRemoteRoutes(components),
    ...garbageAdminRoutes(components.garbage),
    ...upstreamAdminRoutes(components),
    ...retentionRoutes(components.retention),
  ])
}
