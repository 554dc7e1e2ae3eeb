import { appError } from '../../lib/base/index.ts'

/** What people and tools call a cluster by. */
interface Named {
  readonly id: string
  readonly name: string
}

/** The cluster with this id, or else with this name; undefined when there is none. */
export const findCluster = <C extends Named>(clusters: readonly C[], word: string): C | undefined =>
  clusters.find(({ id }) => id === word) ?? clusters.find(({ name }) => name === word)

/** The same. @throws CLUSTER_UNKNOWN */
export function namedCluster<C extends Named>(clusters: readonly C[], word: string): C {
  const found = findCluster(clusters, word)
  if (found === undefined) throw appError('CLUSTER_UNKNOWN', { detail: { cluster: word.slice(0, 64) } })
  return found
}
