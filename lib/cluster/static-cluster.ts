import { appError, type Clock } from '../base/index.ts'
import type { Gauge, Logger, Metrics } from '../telemetry/index.ts'
import type { Cluster, Member } from './cluster.ts'
import { afterReport, type HealthPolicy, healthy, isIn, type MemberHealth } from './member-health.ts'
import { hashRing } from './ring.ts'

export interface StaticClusterComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics?: Metrics
}

export interface StaticClusterInit {
  /** What the members are (`origin`, `tracker`); the cluster's name in logs and metrics. */
  readonly name?: string
  readonly members: readonly Member[]
  /** How many members own a key; a number above the number of members means all of them. */
  readonly replicas: number
  readonly health: HealthPolicy
}

/**
 * A cluster whose members come from the config. A member whose time out has passed counts as healthy until its next
 * failure. Never waits and has no timers.
 * @throws CLUSTER_EMPTY without members, CONFIG_INVALID for malformed or repeated ids or fewer than one replica
 */
export function staticCluster(components: StaticClusterComponents, init: StaticClusterInit): Cluster {
  const { clock, logger } = components
  if (!Number.isInteger(init.replicas) || init.replicas < 1) {
    throw appError('CONFIG_INVALID', { message: 'a cluster needs at least one replica of every key' })
  }
  const name = init.name ?? 'cluster'
  const members = Object.freeze([...init.members])
  const ring = hashRing(members)
  const health = new Map<string, MemberHealth>(members.map(({ id }) => [id, healthy]))
  const gauges = memberGauges(components.metrics, name, members)

  const isHealthy = (id: string) => isIn(health.get(id) ?? healthy, clock.monotonicMs())
  const candidates = (key: string) => {
    const order = ring.order(key)
    const well = order.filter(({ id }) => isHealthy(id))
    return well.length === order.length ? order : [...well, ...order.filter((member) => !well.includes(member))]
  }

  return {
    members,
    owners: (key) => ring.order(key).slice(0, init.replicas),
    candidates,
    liveOwners: (key) => candidates(key).slice(0, init.replicas),
    isHealthy,
    report(id, outcome) {
      const before = health.get(id)
      if (before === undefined) return
      const after = afterReport(before, outcome, clock.monotonicMs(), init.health)
      if (after === before) return
      health.set(id, after)
      if (after.outUntilMs !== before.outUntilMs) {
        gauges.get(id)?.set(after.outUntilMs === undefined ? 1 : 0)
        logChange(logger, { cluster: name, member: id }, after)
      }
    },
  }
}

function memberGauges(metrics: Metrics | undefined, cluster: string, members: readonly Member[]): Map<string, Gauge> {
  const family = metrics?.gauge(
    {
      name: 'shoal_cluster_member_healthy',
      help: '1 while calls go to the member, 0 from the failures that took it out until its next success',
    },
    ['cluster', 'member'],
  )
  const gauges = new Map<string, Gauge>()
  if (family === undefined) return gauges
  for (const { id } of members) {
    const gauge = family.with({ cluster, member: id })
    gauge.set(1)
    gauges.set(id, gauge)
  }
  return gauges
}

function logChange(logger: Logger, fields: { cluster: string; member: string }, after: MemberHealth): void {
  if (after.outUntilMs === undefined) logger.info('the member answers again', fields)
  else logger.warn('the member fails and is left out for a while', fields)
}
