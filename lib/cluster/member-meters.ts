import type { Metrics } from '../telemetry/index.ts'
import type { MemberChanges } from './ring-view.ts'

/** What metrics tell of the members of one cluster. */
export interface MemberMeters {
  /** Whether calls go to the member. */
  set(member: string, isIn: boolean): void
  /** There are so many members now; what is told of those that are gone ends. */
  show(changes: MemberChanges, members: number): void
  /** Members have come and gone. */
  count(changes: MemberChanges): void
}

const nothing = () => undefined

export function memberMeters(metrics: Metrics | undefined, cluster: string): MemberMeters {
  if (metrics === undefined) return { set: nothing, show: nothing, count: nothing }
  const wellHelp = '1 while calls go to the member, 0 from the failures that took it out until its next success'
  const well = metrics.gauge({ name: 'shoal_cluster_member_healthy', help: wellHelp }, ['cluster', 'member'])
  const sizeHelp = 'Members of a cluster as this process knows them.'
  const size = metrics.gauge({ name: 'shoal_cluster_members', help: sizeHelp }, ['cluster']).with({ cluster })
  const changedHelp = 'Members that joined a cluster, left it, or moved to another address, as this process saw it.'
  const changed = metrics.counter({ name: 'shoal_cluster_changes_total', help: changedHelp }, ['cluster', 'kind'])
  return {
    set: (member, isIn) => well.with({ cluster, member }).set(isIn ? 1 : 0),
    show({ joined, moved, left }, members) {
      for (const member of [...joined, ...moved]) well.with({ cluster, member }).set(1)
      for (const member of left) well.drop({ cluster, member })
      size.set(members)
    },
    count(changes) {
      for (const kind of ['joined', 'left', 'moved'] as const) {
        changed.with({ cluster, kind }).add(changes[kind].length)
      }
    },
  }
}
