import { appError, type Clock } from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { ChangingCluster, Member } from './cluster.ts'
import { afterReport, type HealthPolicy, healthy, isIn, type MemberHealth } from './member-health.ts'
import { memberMeters } from './member-meters.ts'
import { changesBetween, type MemberChanges, ringView } from './ring-view.ts'

export interface ClusterComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics?: Metrics
}

export interface ClusterInit {
  /** What the members are (`origin`, `tracker`); the cluster's name in logs and metrics. */
  readonly name?: string
  /** Those of the first view; none when they are not known yet. */
  readonly members: readonly Member[]
  /** How many members own a key; a number above the number of members means all of them. */
  readonly replicas: number
  readonly health: HealthPolicy
}

/**
 * A cluster whose members are replaced as a whole. A member whose time out has passed counts as healthy until its next
 * failure. Never waits and has no timers.
 * @throws CONFIG_INVALID for malformed or repeated ids or fewer than one replica
 */
export function changingCluster(components: ClusterComponents, init: ClusterInit): ChangingCluster {
  const { clock, logger } = components
  if (!Number.isInteger(init.replicas) || init.replicas < 1) {
    throw appError('CONFIG_INVALID', { message: 'a cluster needs at least one replica of every key' })
  }
  const name = init.name ?? 'cluster'
  let view = ringView(init.members)
  const health = new Map<string, MemberHealth>()
  const listeners = new Set<() => void>()
  const meters = memberMeters(components.metrics, name)
  meters.show(changesBetween([], view.members), view.members.length)

  const isHealthy = (id: string) => isIn(health.get(id) ?? healthy, clock.monotonicMs())
  const candidates = (key: string) => {
    const order = view.order(key)
    const well = order.filter(({ id }) => isHealthy(id))
    return well.length === order.length ? order : [...well, ...order.filter((member) => !well.includes(member))]
  }

  return {
    get members() {
      return view.members
    },
    owners: (key) => view.order(key).slice(0, init.replicas),
    candidates,
    liveOwners: (key) => candidates(key).slice(0, init.replicas),
    isHealthy,
    report(id, outcome) {
      if (!view.has(id)) return
      const before = health.get(id) ?? healthy
      const after = afterReport(before, outcome, clock.monotonicMs(), init.health)
      if (after === before) return
      health.set(id, after)
      if (after.outUntilMs === before.outUntilMs) return
      meters.set(id, after.outUntilMs === undefined)
      logChange(logger, { cluster: name, member: id }, after)
    },
    replace(members) {
      const next = ringView(members, view)
      const changes = changesBetween(view.members, next.members)
      if (isNothing(changes)) return
      view = next
      for (const id of [...changes.left, ...changes.moved]) health.delete(id)
      meters.show(changes, members.length)
      meters.count(changes)
      logger.info('the members of a cluster have changed', { cluster: name, ...changes, now: members.length })
      for (const listener of [...listeners]) listener()
    },
    onChange(listener) {
      const own = () => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}

const isNothing = ({ joined, left, moved }: MemberChanges) => joined.length + left.length + moved.length === 0

function logChange(logger: Logger, fields: { cluster: string; member: string }, after: MemberHealth): void {
  if (after.outUntilMs === undefined) logger.info('the member answers again', fields)
  else logger.warn('the member fails and is left out for a while', fields)
}
