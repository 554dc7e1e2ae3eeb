import type { Cluster, Member } from '../cluster/index.ts'
import { staticCluster } from '../cluster/index.ts'
import type { Runtime } from './runtime.ts'

/** Three failures within 30 seconds exclude a member for ten seconds. */
const HEALTH = { failures: 3, windowMs: 30_000, outMs: 10_000 }

/** A cluster of another service: static members with passive health. */
export function serviceCluster(
  runtime: Runtime,
  init: { readonly name: string; readonly members: readonly Member[]; readonly replicas?: number },
): Cluster {
  return staticCluster(runtime, {
    name: init.name,
    members: init.members,
    replicas: init.replicas ?? 1,
    health: HEALTH,
  })
}
