import { appError } from '../base/index.ts'
import { type ClusterComponents, type ClusterInit, changingCluster } from './changing-cluster.ts'
import type { Cluster } from './cluster.ts'

/**
 * A cluster whose members never change.
 * @throws CLUSTER_EMPTY without members, CONFIG_INVALID for malformed or repeated ids or fewer than one replica
 */
export function staticCluster(components: ClusterComponents, init: ClusterInit): Cluster {
  if (init.members.length === 0) throw appError('CLUSTER_EMPTY')
  return changingCluster(components, init)
}
