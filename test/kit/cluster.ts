import { type Clock, fakeClock } from '../../lib/base/index.ts'
import { type Cluster, type Member, staticCluster } from '../../lib/cluster/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'

/** Members `m0`, `m1`, ... at addresses where no server listens. */
export function someMembers(count: number): Member[] {
  return Array.from({ length: count }, (_, i) => ({ id: `m${i}`, url: `http://127.0.0.1:1/${i}` }))
}

/** A cluster with short health times: three failures within 10 s make a member unhealthy for 5 s. */
export function clusterOf(members: readonly Member[], init: { replicas?: number; clock?: Clock } = {}): Cluster {
  return staticCluster(
    { clock: init.clock ?? fakeClock(), logger: silentLogger() },
    { members, replicas: init.replicas ?? 2, health: { failures: 3, windowMs: 10_000, outMs: 5_000 } },
  )
}
