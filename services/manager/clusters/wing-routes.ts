import type { Route } from '../../../lib/http/index.ts'
import { type AssignmentRoutesComponents, assignmentRoute } from './assignment-routes.ts'
import { type ClusterRoutesComponents, clusterRoutes } from './cluster-routes.ts'
import { type MemberRoutesComponents, memberRoutes } from './member-routes.ts'

export type ClusterWingComponents = ClusterRoutesComponents & MemberRoutesComponents & AssignmentRoutesComponents

/** What people and their tools call of this wing. */
export const clusterWingRoutes = (components: ClusterWingComponents): readonly Route[] => [
  ...clusterRoutes(components),
  ...memberRoutes(components),
  assignmentRoute(components),
]
