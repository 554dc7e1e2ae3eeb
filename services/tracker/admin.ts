import { describedRoutes, ringRoutes, trackerAdmin } from '../../lib/api/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import type { Route } from '../../lib/http/index.ts'

export interface TrackerAdminComponents {
  readonly rings: Readonly<Record<string, Cluster>>
}

/** The admin API of a tracker. */
export function trackerAdminRoutes({ rings }: TrackerAdminComponents): readonly Route[] {
  return describedRoutes('tracker', trackerAdmin, ringRoutes(rings))
}
