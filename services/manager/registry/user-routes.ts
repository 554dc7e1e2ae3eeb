import { adminBody, managerApi, type RegistryProxy, type RegistryUserRow } from '../../../lib/api/index.ts'
import {
  type Exchange,
  pageRequest,
  type Route,
  requireSeen,
  sendEmpty,
  sendJson,
  sendTagged,
} from '../../../lib/http/index.ts'
import { managerRoute, UNKEPT } from '../managed.ts'
import { namedCluster } from '../named-cluster.ts'
import { callerOf } from '../people/caller.ts'
import type { RegistryClusters } from './push.ts'
import type { RegistryUserStore, ShownRegistryUser } from './user-store.ts'

const PAGE = { max: 1000, usual: 100, least: 1 }

export interface RegistryUserRoutesComponents {
  readonly store: RegistryUserStore
  readonly clusters: Pick<RegistryClusters, 'clusters'>
  /** What the proxies have now. */
  readonly look: (
    signal: AbortSignal,
  ) => Promise<{ readonly generation: number; readonly proxies: readonly RegistryProxy[] }>
  /** Proxies are to have something else. */
  readonly onChange: () => void
}

const nameIn = ({ params }: Exchange) => params['user'] ?? ''

/** People and tools say names of clusters; what is kept are their ids, so that a new name changes nothing. */
function clusterWords(known: Pick<RegistryClusters, 'clusters'>) {
  /** Ids, by names or ids. @throws CLUSTER_UNKNOWN */
  const idsOf = (given: readonly string[]) => given.map((text) => namedCluster(known.clusters(), text).id)
  /** By their names; one that was removed by its id. */
  const namesOf = ({ clusters: ids }: RegistryUserRow) => {
    if (ids === undefined) return {}
    const names = new Map(known.clusters().map(({ id, name }) => [id, name]))
    return { clusters: ids.map((id) => names.get(id) ?? id) }
  }
  const named = (row: RegistryUserRow): RegistryUserRow => ({ ...row, ...namesOf(row) })
  const shown = ({ secret, kept }: ShownRegistryUser): ShownRegistryUser => ({ secret, kept: named(kept) })
  return { idsOf, namesOf, named, shown }
}

export function registryUserRoutes({
  store,
  clusters,
  look,
  onChange,
}: RegistryUserRoutesComponents): readonly Route[] {
  const { idsOf, namesOf, named, shown } = clusterWords(clusters)
  const actorOf = (exchange: Exchange) => callerOf(exchange).actor
  const seenBy = (exchange: Exchange) => (before: unknown) => requireSeen(exchange, before)
  return [
    managerRoute(managerApi.registryUsers, async (exchange) => {
      const { users, ...more } = await store.page(pageRequest(exchange.query, PAGE))
      sendJson(exchange, 200, { users: users.map(named), ...more })
    }),
    managerRoute(managerApi.registryUser, async (exchange) => {
      const row = await store.get(nameIn(exchange))
      sendTagged(exchange, row, namesOf(row))
    }),
    managerRoute(managerApi.createRegistryUser, async (exchange) => {
      const { clusters: given, ...user } = await adminBody(managerApi.createRegistryUser, exchange)
      const ids = given && { clusters: idsOf(given) }
      const made = await store.create(actorOf(exchange), { ...user, ...ids })
      onChange()
      sendJson(exchange, 201, shown(made), UNKEPT)
    }),
    managerRoute(managerApi.changeRegistryUser, async (exchange) => {
      const { clusters: given, ...change } = await adminBody(managerApi.changeRegistryUser, exchange)
      const ids = given === undefined ? {} : { clusters: given === null ? null : idsOf(given) }
      const init = { change: { ...change, ...ids }, check: seenBy(exchange) }
      const after = await store.change(actorOf(exchange), nameIn(exchange), init)
      onChange()
      sendTagged(exchange, after, namesOf(after))
    }),
    managerRoute(managerApi.rotateRegistryUser, async (exchange) => {
      const rotated = await store.rotate(actorOf(exchange), nameIn(exchange), seenBy(exchange))
      onChange()
      sendJson(exchange, 200, shown(rotated), UNKEPT)
    }),
    managerRoute(managerApi.removeRegistryUser, async (exchange) => {
      await store.remove(actorOf(exchange), nameIn(exchange), seenBy(exchange))
      onChange()
      sendEmpty(exchange, 204)
    }),
    managerRoute(managerApi.registryProxies, async (exchange) => {
      const { generation, proxies } = await look(exchange.signal)
      const applied = proxies.filter(({ state }) => state === 'applied').length
      sendJson(exchange, 200, { generation, applied, of: proxies.length, proxies })
    }),
  ]
}
