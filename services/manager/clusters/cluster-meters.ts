import { type MemberState, memberKinds, memberStates } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'
import type { KnownCluster } from './roster.ts'

/** `best`: its cluster answers. `other`: one that fits better is away. `none`: none fits, or none that fits answers. */
export type AssignmentOutcome = 'best' | 'other' | 'none'

export interface ClusterMeters {
  assigned(outcome: AssignmentOutcome): void
  measure(clusters: readonly KnownCluster[], nowMs: number): void
}

export function clusterMeters(metrics: Metrics): ClusterMeters {
  const assignments = metrics.counter(
    { name: 'shoal_manager_assignments_total', help: 'Answers to who belongs to which cluster, by outcome.' },
    ['outcome'],
  )
  const members = metrics.gauge(
    { name: 'shoal_manager_members', help: 'Services that have joined, by kind and state.' },
    ['kind', 'state'],
  )
  const age = metrics
    .gauge({
      name: 'shoal_manager_heartbeat_age_seconds',
      help: 'Time since the last heartbeat of the member that has been silent longest, of those that are not away.',
    })
    .with({})
  const behind = metrics.gauge(
    {
      name: 'shoal_manager_hosts_behind',
      help: 'Hosts that run an older generation of settings than they should, as their trackers told last, by cluster.',
    },
    ['cluster'],
  )
  let shown: readonly string[] = []
  const measureHosts = (clusters: readonly KnownCluster[]) => {
    const names = clusters.map(({ name }) => name)
    for (const cluster of shown) if (!names.includes(cluster)) behind.drop({ cluster })
    for (const cluster of clusters) behind.with({ cluster: cluster.name }).set(cluster.behind)
    shown = names
  }
  for (const outcome of ['best', 'other', 'none'] as const) assignments.with({ outcome }).add(0)
  const isState = (wanted: MemberState) => (known: { readonly health: { readonly state: MemberState } }) =>
    known.health.state === wanted
  return {
    assigned: (outcome) => assignments.with({ outcome }).add(),
    measure(clusters, nowMs) {
      measureHosts(clusters)
      const all = clusters.flatMap((cluster) => cluster.members)
      for (const kind of memberKinds) {
        const own = all.filter((member) => member.kind === kind)
        for (const state of memberStates) members.with({ kind, state }).set(own.filter(isState(state)).length)
      }
      const living = all.filter(({ health }) => health.state !== 'away')
      age.set(Math.max(0, ...living.map(({ heartbeatAtMs }) => (nowMs - heartbeatAtMs) / 1000)))
    },
  }
}
