import type { MemberKind } from '../../../lib/api/index.ts'
import { type Clock, type Rounds, rounds, type Startable } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { findCluster } from '../named-cluster.ts'
import type { Cluster, ClusterStore } from './cluster-store.ts'
import type { Member, MemberStore } from './member-store.ts'
import { type CompiledScopes, compileScopes } from './scopes.ts'

/** Pause between two looks at the database: another manager may have changed it. */
const LOOK_MS = 2_000

export type ClusterState = 'ok' | 'degraded' | 'away' | 'empty'

/** A cluster as it is now. */
export interface KnownCluster extends Cluster {
  readonly compiled: CompiledScopes
  /** Who answered lately comes first. */
  readonly members: readonly Member[]
  readonly state: ClusterState
}

/** Clusters and members in memory, as they are in the database. */
export interface Roster extends Startable {
  readonly clusters: readonly KnownCluster[]
  /** By name or id. */
  find(cluster: string): KnownCluster | undefined
  /** Looks at the database now; call it after a change. */
  refresh(): Promise<void>
}

export interface RosterComponents {
  readonly clusters: Pick<ClusterStore, 'all'>
  readonly members: Pick<MemberStore, 'all'>
  readonly clock: Clock
  readonly logger: Logger
  /** Called after each look. */
  readonly onLook: (clusters: readonly KnownCluster[]) => void
}

const RANK = { ok: 0, degraded: 1, unreachable: 2, away: 3 } as const

/** Those that are better come first; of equals, always the same. */
const byHealth = (a: Member, b: Member) =>
  RANK[a.health.state] - RANK[b.health.state] || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0)

export const answers = ({ health }: Pick<Member, 'health'>): boolean =>
  health.state === 'ok' || health.state === 'degraded'

/** Agents need trackers: a cluster of which no tracker answers is away, whatever else lives there. */
export function clusterState(members: readonly Member[]): ClusterState {
  const trackers = members.filter(({ kind }) => kind === 'tracker')
  if (trackers.length === 0) return 'empty'
  if (!trackers.some(answers)) return 'away'
  return members.every(({ health }) => health.state === 'ok') ? 'ok' : 'degraded'
}

export const ofKind = (members: readonly Member[], kind: MemberKind): readonly Member[] =>
  members.filter((member) => member.kind === kind)

export function roster({ clusters, members, clock, logger, onLook }: RosterComponents): Roster {
  let known: readonly KnownCluster[] = []
  const compiled = new Map<string, CompiledScopes>()
  const look = async () => {
    const [found, all] = await Promise.all([clusters.all(), members.all()])
    const byCluster = new Map<string, Member[]>()
    for (const member of all) byCluster.set(member.clusterId, [...(byCluster.get(member.clusterId) ?? []), member])
    known = found.map((cluster): KnownCluster => {
      const own = (byCluster.get(cluster.id) ?? []).toSorted(byHealth)
      return { ...cluster, compiled: scopesOf(cluster), members: own, state: clusterState(own) }
    })
    const current = new Set(known.map(keyOf))
    for (const key of compiled.keys()) if (!current.has(key)) compiled.delete(key)
    onLook(known)
  }
  const keyOf = ({ id, revision }: Cluster) => `${id} ${revision}`
  const scopesOf = (cluster: Cluster) => {
    const key = keyOf(cluster)
    const made = compiled.get(key) ?? compileScopes(cluster.scopes)
    compiled.set(key, made)
    return made
  }
  // One look after the other: an earlier one must not tell what was before a later one.
  let last: Promise<void> = Promise.resolve()
  const refresh = () => {
    last = last.catch(() => undefined).then(look)
    return last
  }
  const looking: Rounds = rounds(clock, {
    work: async () => {
      await refresh()
      return LOOK_MS
    },
    onFailure: (err) => logger.warn('failed to read the clusters', { err }),
    retryMs: LOOK_MS,
  })
  return {
    get clusters() {
      return known
    },
    find: (cluster) => findCluster(known, cluster),
    refresh,
    async start() {
      await refresh()
      await looking.start()
    },
    stop: () => looking.stop(),
  }
}
