import { describedRoutes, ringRoutes, trackerAdmin } from '../../../lib/api/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import type { Route } from '../../../lib/http/index.ts'
import { type ControlRoutesComponents, controlRoutes } from './control-routes.ts'
import { type HostPullRoutesComponents, hostPullRoutes } from './host-pull-routes.ts'
import { type HostRoutesComponents, hostRoutes } from './host-routes.ts'
import { type JobRoutesComponents, jobRoutes } from './job-routes.ts'
import { type SteeringAdminComponents, steeringAdminRoutes } from './steering-routes.ts'
import { type SwarmRoutesComponents, swarmRoutes } from './swarm-routes.ts'

export interface TrackerAdminComponents
  extends SwarmRoutesComponents,
    JobRoutesComponents,
    HostPullRoutesComponents,
    Omit<SteeringAdminComponents, 'steering'>,
    Omit<HostRoutesComponents, 'control' | 'steering' | 'reports'>,
    Omit<ControlRoutesComponents, 'events' | 'steering'> {
  readonly events: ControlRoutesComponents['events']
  readonly steering: SteeringAdminComponents['steering']
  readonly rings: Readonly<Record<string, Cluster>>
}

/** The admin API of a tracker. */
export function trackerAdminRoutes(components: TrackerAdminComponents): readonly Route[] {
  return describedRoutes('tracker', trackerAdmin, [
    ...ringRoutes(components.rings),
    ...hostRoutes(components),
    ...hostPullRoutes(components),
    ...swarmRoutes(components),
    ...controlRoutes(components),
    ...jobRoutes(components),
    ...steeringAdminRoutes(components),
  ])
}
