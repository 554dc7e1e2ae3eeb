export type { Cluster, Member } from './cluster.ts'
export type { HealthPolicy } from './member-health.ts'
export { type StaticClusterComponents, type StaticClusterInit, staticCluster } from './static-cluster.ts'
export { type FailedTry, isMemberFailure, reportFailure, type TryEachOptions, tryEach, usedUp } from './try-each.ts'
