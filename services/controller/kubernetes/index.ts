export {
  electionTimings,
  type KubernetesConfig,
  kubernetesSchema,
  type LeaseConfig,
  leaseSchema,
  objectName,
} from './config.ts'
export type { Election, ElectionComponents, ElectionInit, ElectionState, ElectionTimings, Term } from './election.ts'
export { watchedObjects } from './following.ts'
export type {
  ApplyOptions,
  Kube,
  KubeReads,
  KubeWrites,
  ObjectPage,
  PageQuery,
  PartOptions,
  RemoveOptions,
  Selection,
  WatchEvent,
  WatchQuery,
  WriteOptions,
} from './kube.ts'
export { openKube } from './kube-client.ts'
export {
  type KubeEvent,
  type KubeEvents,
  type KubeEventsComponents,
  type KubeEventsInit,
  kubeEvents,
} from './kube-events.ts'
export { leaseRecord } from './lease-record.ts'
export { listedOnce } from './list-all.ts'
export { isJson, type Json, type KubeObject, keyOf, type ObjectMeta } from './object.ts'
export { type ObjectRef, type Resource, resources } from './resource.ts'
export { election } from './standing.ts'
export { registerWatchMetrics } from './watch-meters.ts'
export type {
  Freshness,
  ObjectChange,
  WatchedObjects,
  WatchedObjectsComponents,
  WatchedObjectsInit,
} from './watched-objects.ts'
