import { singleFlight } from '../../../lib/base/index.ts'
import { findCluster, namedCluster } from '../named-cluster.ts'
import { isOfCluster, type Scope } from './scope.ts'
import { type ClusterSight, type LookComponents, lookAtHosts, unseen } from './sight.ts'

/** What is known of the hosts of clusters, for people who ask. */
export interface FleetView {
  /** The id of a cluster, by its id or name. @throws CLUSTER_UNKNOWN */
  clusterId(text: string): string
  /** The same scope, with the id of a cluster that is written by its name. */
  scopeById(scope: Scope): Scope
  /** Of one cluster. Whoever asks shortly after another gets the same. */
  sight(cluster: string): Promise<ClusterSight>
  /** Of the clusters of a scope; those that are away have no hosts, and are not whole. */
  sights(scope: Scope): Promise<readonly ClusterSight[]>
}

/** Pages of one list are asked for one after the other: they come from one look. */
const FRESH_MS = 5_000
/** Clusters whose hosts are remembered. */
const MAX_KEPT = 16

export function fleetView(components: LookComponents): FleetView {
  const { clusters, clock } = components
  const flights = singleFlight<string, ClusterSight>()
  const kept = new Map<string, { readonly sight: ClusterSight; readonly atMs: number }>()

  const look = (cluster: string): Promise<ClusterSight> => lookAtHosts(components, cluster)
  const remembered = async (cluster: string): Promise<ClusterSight> => {
    const known = kept.get(cluster)
    if (known !== undefined && clock.monotonicMs() - known.atMs < FRESH_MS) return known.sight
    const sight = await look(cluster)
    kept.delete(cluster)
    kept.set(cluster, { sight, atMs: clock.monotonicMs() })
    for (const oldest of kept.keys()) if (kept.size > MAX_KEPT) kept.delete(oldest)
    return sight
  }
  const sight = (cluster: string) => flights.run(cluster, () => remembered(cluster))
  return {
    scopeById: (scope) =>
      scope.of === 'cluster'
        ? { ...scope, name: findCluster(clusters.clusters(), scope.name)?.id ?? scope.name }
        : scope,
    clusterId: (text) => namedCluster(clusters.clusters(), text).id,
    sight,
    sights: (scope) =>
      Promise.all(
        clusters
          .clusters()
          .filter(({ id }) => isOfCluster(scope, id))
          .map(async ({ id, away }) => (away ? unseen(id) : sight(id))),
      ),
  }
}
