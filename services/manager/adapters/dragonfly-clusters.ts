import { dragonflyClusterSchema } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, type Route, readJson, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import type { ClusterChanges } from '../clusters/cluster-changes.ts'
import { timeText } from './dragonfly-answer.ts'
import { readDragonflyCluster } from './dragonfly-cluster-request.ts'
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
  readonly changes: ClusterChanges
  readonly store: Pick<DragonflyStore, 'numbers'>
}

const MAX_BODY_BYTES = 256 * 1024

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

/** @throws BODY_INVALID */
async function bodyOf(exchange: Exchange) {
  const parsed = dragonflyClusterSchema.safeParse(await readJson(exchange, MAX_BODY_BYTES))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw appError('BODY_INVALID', { message: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}` })
}

/** Clusters, as tools of Dragonfly see and change them. */
export function dragonflyClusterRoutes({ clusters, changes, store }: DragonflyClustersComponents): readonly Route[] {
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
  const found = async ({ params }: Exchange) => {
    const known = (await all()).find(({ id }) => String(id) === params['id'])
    if (known === undefined) throw appError('CLUSTER_UNKNOWN')
    return known
  }
  const one = async (exchange: Exchange) => sendJson(exchange, 200, await found(exchange))
  const told = async (exchange: Exchange, cluster: ShownCluster) => {
    const numbers = await store.numbers([cluster.id])
    sendJson(exchange, 200, answerOf(cluster, numbers.get(cluster.id) ?? 0))
  }
  const create = async (exchange: Exchange) => {
    const body = await bodyOf(exchange)
    for (const key of ['name', 'scheduler_cluster_config', 'seed_peer_cluster_config', 'peer_cluster_config'] as const)
      if (!body[key]) throw appError('BODY_INVALID', { message: `${key} is required` })
    const { name = '', ...init } = readDragonflyCluster(body)
    await told(exchange, await changes.create(exchange.principal.name, { ...init, name }))
  }
  // As at Dragonfly: who leaves out is_default says that it is none.
  const change = async (exchange: Exchange) => {
    const { name } = await found(exchange)
    const changed = await changes.change(exchange.principal.name, name, readDragonflyCluster(await bodyOf(exchange)))
    await told(exchange, changed)
  }
  const remove = async (exchange: Exchange) => {
    await changes.remove(exchange.principal.name, (await found(exchange)).name)
    sendEmpty(exchange, 200)
  }
  const path = '/oapi/v1/clusters'
  const of = `${path}/:id`
  return [
    dragonflyRoute({ method: 'POST', path, summary: 'makes a cluster as tools of Dragonfly do' }, 'clusters', create),
    dragonflyRoute({ method: 'PATCH', path: of, summary: 'changes one of them' }, 'clusters', change),
    dragonflyRoute({ method: 'DELETE', path: of, summary: 'removes one whose members are gone' }, 'clusters', remove),
    dragonflyRoute({ method: 'GET', path, summary: 'clusters as tools of Dragonfly see them' }, 'clusters', list),
    dragonflyRoute({ method: 'GET', path: of, summary: 'one of them' }, 'clusters', one),
  ]
}
