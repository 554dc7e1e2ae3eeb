import { appError } from '../../../lib/base/index.ts'
import { namedCluster } from '../named-cluster.ts'
import type { ClusterChange, ClusterStore } from './cluster-store.ts'
import type { KnownCluster, Roster } from './roster.ts'

/** Changes of clusters, as everybody sees them at once afterwards; whatever shape a call comes in. */
export interface ClusterChanges {
  /** @throws CLUSTER_EXISTS, CLUSTER_FULL, SCOPE_INVALID */
  create(actor: string, init: ClusterChange & { readonly name: string }): Promise<KnownCluster>
  /** @throws CLUSTER_UNKNOWN, CLUSTER_EXISTS, CHANGED_MEANWHILE, SCOPE_INVALID */
  change(actor: string, cluster: string, change: ClusterChange): Promise<KnownCluster>
  /** @throws CLUSTER_UNKNOWN, CLUSTER_IN_USE while members live */
  remove(actor: string, cluster: string): Promise<void>
}

export interface ClusterChangesComponents {
  readonly clusters: ClusterStore
  readonly roster: Roster
}

export function clusterChanges({ clusters, roster }: ClusterChangesComponents): ClusterChanges {
  const seen = async (id: string) => {
    await roster.refresh()
    return namedCluster(roster.clusters, id)
  }
  return {
    async create(actor, init) {
      const { id } = await clusters.create(actor, init)
      return await seen(id)
    },
    async change(actor, cluster, change) {
      const { id } = await clusters.change(actor, namedCluster(roster.clusters, cluster).id, change)
      return await seen(id)
    },
    async remove(actor, cluster) {
      const { id, members } = namedCluster(roster.clusters, cluster)
      const living = members.filter(({ health }) => health.state !== 'away').map(({ member }) => member)
      if (living.length > 0) throw appError('CLUSTER_IN_USE', { detail: { members: living.slice(0, 10) } })
      await clusters.remove(actor, id)
      await roster.refresh()
    },
  }
}
