import { appError } from '../../../lib/base/index.ts'
import { type Exchange, type Route, sendJson } from '../../../lib/http/index.ts'
import { timeText } from './dragonfly-answer.ts'
import { dragonflyRoute, linkOf } from './dragonfly-routes.ts'
import type { DragonflyStore } from './dragonfly-store.ts'

/** A cluster of this manager, as much of it as those tools ask for. */
export interface ShownCluster {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly isDefault: boolean
  readonly createdAtMs: number
  readonly scopes: {
    readonly cidrs: readonly string[]
    readonly zones: readonly string[]
    readonly hosts: readonly string[]
  }
}

export interface DragonflyClustersComponents {
  readonly clusters: () => readonly ShownCluster[]
  readonly store: Pick<DragonflyStore, 'numbers'>
}

const noTasks = { applications: [], urls: [], tags: [], priorities: [] }
/** Nothing here is limited or blocked by these: this system has its own settings. */
const configs = {
  scheduler_cluster_config: { candidate_parent_limit: 3, filter_parent_limit: 15, job_rate_limit: 10 },
  peer_cluster_config: { load_limit: 200, block_list: { task: { download: noTasks } } },
  seed_peer_cluster_config: { load_limit: 2000, block_list: {} },
}

const answerOf = (cluster: ShownCluster, id: number) => ({
  ...{ id, name: cluster.name, bio: cluster.description, is_default: cluster.isDefault },
  ...{ scheduler_cluster_id: id, seed_peer_cluster_id: id },
  ...{ created_at: timeText(cluster.createdAtMs), updated_at: timeText(cluster.createdAtMs), is_del: 0 },
  scopes: {
    ...{ idc: cluster.scopes.zones.join('|'), location: '' },
    ...{ cidrs: cluster.scopes.cidrs, hostnames: cluster.scopes.hosts },
  },
  ...configs,
})

/** Clusters to look at; they are changed by the manager's own API. */
export function dragonflyClusterRoutes({ clusters, store }: DragonflyClustersComponents): readonly Route[] {
  const all = async () => {
    const known = clusters()
    const numbers = await store.numbers(known.map(({ id }) => id))
    return known
      .map((cluster) => answerOf(cluster, numbers.get(cluster.id) ?? 0))
      .toSorted((one, other) => one.id - other.id)
  }
  const list = async (exchange: Exchange) => {
    const name = exchange.query.get('name')
    const found = (await all()).filter((each) => name === null || each.name === name)
    sendJson(exchange, 200, found, { link: linkOf(exchange, 1, 1) })
  }
  const one = async (exchange: Exchange) => {
    const found = (await all()).find(({ id }) => String(id) === exchange.params['id'])
    if (found === undefined) throw appError('CLUSTER_UNKNOWN')
    sendJson(exchange, 200, found)
  }
  const path = '/oapi/v1/clusters'
  return [
    dragonflyRoute({ method: 'GET', path, summary: 'clusters as tools of Dragonfly see them' }, 'clusters', list),
    dragonflyRoute({ method: 'GET', path: `${path}/:id`, summary: 'one of them' }, 'clusters', one),
  ]
}
