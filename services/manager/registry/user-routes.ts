import { adminBody, managerApi, type RegistryProxy } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
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
import { callerOf } from '../people/caller.ts'
import type { RegistryClusters } from './push.ts'
import type { RegistryUserStore } from './user-store.ts'

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

export function registryUserRoutes({
  store,
  clusters,
  look,
  onChange,
}: RegistryUserRoutesComponents): readonly Route[] {
  /** Their ids, by names or ids. @throws CLUSTER_UNKNOWN */
  const idsOf = (given: readonly string[]) =>
    given.map((text) => {
      const found = clusters.clusters().find(({ id, name }) => id === text || name === text)
      if (found === undefined) throw appError('CLUSTER_UNKNOWN', { detail: { cluster: text } })
      return found.id
    })
  const actorOf = (exchange: Exchange) => callerOf(exchange).actor
  const seenBy = (exchange: Exchange) => (before: unknown) => requireSeen(exchange, before)
  return [
    managerRoute(managerApi.registryUsers, async (exchange) => {
      sendJson(exchange, 200, await store.page(pageRequest(exchange.query, PAGE)))
    }),
    managerRoute(managerApi.registryUser, async (exchange) => sendTagged(exchange, await store.get(nameIn(exchange)))),
    managerRoute(managerApi.createRegistryUser, async (exchange) => {
      const { clusters: given, ...user } = await adminBody(managerApi.createRegistryUser, exchange)
      const ids = given && { clusters: idsOf(given) }
      const shown = await store.create(actorOf(exchange), { ...user, ...ids })
      onChange()
      sendJson(exchange, 201, shown, UNKEPT)
    }),
    managerRoute(managerApi.changeRegistryUser, async (exchange) => {
      const { clusters: given, ...change } = await adminBody(managerApi.changeRegistryUser, exchange)
      const ids = given === undefined ? {} : { clusters: given === null ? null : idsOf(given) }
      const init = { change: { ...change, ...ids }, check: seenBy(exchange) }
      const after = await store.change(actorOf(exchange), nameIn(exchange), init)
      onChange()
      sendTagged(exchange, after)
    }),
    managerRoute(managerApi.rotateRegistryUser, async (exchange) => {
      const shown = await store.rotate(actorOf(exchange), nameIn(exchange), seenBy(exchange))
      onChange()
      sendJson(exchange, 200, shown, UNKEPT)
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
