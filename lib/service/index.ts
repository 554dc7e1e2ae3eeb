export { peerBalancersOf } from './balancers.ts'
export {
  type CommonConfig,
  commonKeys,
  type ListenerConfig,
  listenerOf,
  type MembersConfig,
  peerListenerOf,
  rings,
  secretsOf,
} from './config.ts'
export { connectionRoom } from './connection-room.ts'
export { checkForeignPeers, swarmKeys } from './foreign-config.ts'
export { listenerConfig, schemeOf } from './listeners.ts'
export { lookKeys, tagPattern, tagRuleSchema } from './look-rules-config.ts'
export { type GuardedEntry, guardedKeys, MOST_PROOF_MS, mirrorKeys, type UpstreamEntry } from './mirror-config.ts'
export { type MissingNow, type OpsRoutesInit, opsRoutes, type ReadinessCheck } from './ops-routes.ts'
export {
  type BlockRule,
  type ClassRule,
  type PullRulesConfig,
  pullKeys,
  pullRulesSchema,
} from './pull-rules-config.ts'
export { flaggedConfig, runService } from './run-service.ts'
export { type Running, runUntilTold } from './run-until-told.ts'
export { clusterHttp, type Runtime, serviceRuntime } from './runtime.ts'
export { memberSource, type ServiceCluster, serviceCluster } from './service-cluster.ts'
export { type ServiceDoor, serviceDoor } from './service-door.ts'
export { serviceFlags } from './service-flags.ts'
export { type ListenerInit, peerTlsOf, type ServiceShell, type Steward, serviceShell } from './service-shell.ts'
export { defaultPorts, type ServiceKind, serviceFacts, serviceKinds } from './service-table.ts'
export { shoalVersion } from './version.ts'
export { type Withheld, withheld } from './withheld.ts'
export { withholdRules } from './withhold-config.ts'
