import { get } from '../state/api.ts'
import { useLoad } from '../state/load.ts'
import { may } from '../state/session.ts'
import type { Cluster } from '../state/shapes.ts'

/** Names of all clusters, for who may see them. */
export function useClusterWords(): readonly string[] {
  const { now } = useLoad('cluster-words', async (signal) =>
    may('clusters', 'read')
      ? (await get<{ readonly clusters: readonly Cluster[] }>('/api/v1/clusters', { n: 1000 }, signal)).clusters
      : [],
  )
  return now.is === 'ready' ? now.value.map(({ name }) => name) : []
}
