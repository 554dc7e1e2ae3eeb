import { adminBody, managerApi, type RelationState } from '../../../lib/api/index.ts'
import {
  type Exchange,
  pageRequest,
  type Route,
  requireSeen,
  sendEmpty,
  sendJson,
  sendTagged,
} from '../../../lib/http/index.ts'
import { managerRoute } from '../managed.ts'
import { namedCluster } from '../named-cluster.ts'
import { callerOf } from '../people/caller.ts'
import type { RelationStore } from './relation-store.ts'
import type { SeenInit, SeenPage } from './seen.ts'

const PAGE = { max: 1000, usual: 100, least: 1 }

export interface RelationRoutesComponents {
  readonly store: RelationStore
  readonly clusters: { clusters(): readonly { readonly id: string; readonly name: string }[] }
  /** Those of the manager, and those of files as build-indexes tell them now. */
  readonly list: (asked: Pick<SeenInit, 'count' | 'last' | 'cluster' | 'signal'>) => Promise<SeenPage>
  /** What the build-indexes have now. */
  readonly look: (
    signal: AbortSignal,
  ) => Promise<{ readonly generation: number; readonly buildIndexes: readonly RelationState[] }>
  /** Build-indexes are to have something else. */
  readonly onChange: () => void
}

const wordIn = ({ params }: Exchange) => params['relation'] ?? ''

/** Which cluster replicates to which. */
export function relationRoutes(components: RelationRoutesComponents): readonly Route[] {
  const { store, clusters, list, look, onChange } = components
  /** By its name or id. @throws CLUSTER_UNKNOWN */
  const clusterIn = (text: string) => namedCluster(clusters.clusters(), text)
  const actorOf = (exchange: Exchange) => callerOf(exchange).actor
  const seenBy = (exchange: Exchange) => (before: unknown) => requireSeen(exchange, before)
  return [
    managerRoute(managerApi.relations, async (exchange) => {
      const { count, last = '' } = pageRequest(exchange.query, PAGE)
      const named = exchange.query.get('cluster')
      const cluster = named === null ? undefined : clusterIn(named)
      sendJson(exchange, 200, await list({ count, last, cluster, signal: exchange.signal }))
    }),
    managerRoute(managerApi.relation, async (exchange) => sendTagged(exchange, await store.get(wordIn(exchange)))),
    managerRoute(managerApi.createRelation, async (exchange) => {
      const { from, to, ...given } = await adminBody(managerApi.createRelation, exchange)
      const made = await store.create(actorOf(exchange), { ...given, from: clusterIn(from), to: clusterIn(to) })
      onChange()
      sendJson(exchange, 201, made)
    }),
    managerRoute(managerApi.changeRelation, async (exchange) => {
      const change = await adminBody(managerApi.changeRelation, exchange)
      const after = await store.change(actorOf(exchange), wordIn(exchange), { change, check: seenBy(exchange) })
      onChange()
      sendTagged(exchange, after)
    }),
    managerRoute(managerApi.removeRelation, async (exchange) => {
      await store.remove(actorOf(exchange), wordIn(exchange), seenBy(exchange))
      onChange()
      sendEmpty(exchange, 204)
    }),
    managerRoute(managerApi.relationStates, async (exchange) => {
      const { generation, buildIndexes } = await look(exchange.signal)
      const applied = buildIndexes.filter(({ state }) => state === 'applied').length
      sendJson(exchange, 200, { generation, applied, of: buildIndexes.length, buildIndexes })
    }),
  ]
}
