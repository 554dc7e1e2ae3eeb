import { adminBody, managerApi } from '../../../lib/api/index.ts'
import type { Clock } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import { managerRoute } from '../managed.ts'
import { namedCluster } from '../named-cluster.ts'
import { clusterAnswer } from './cluster-answer.ts'
import type { ClusterChanges } from './cluster-changes.ts'
import type { JoinToken, JoinTokenStore } from './join-token-store.ts'
import type { Roster } from './roster.ts'

export interface ClusterRoutesComponents {
  readonly changes: ClusterChanges
  readonly tokens: JoinTokenStore
  readonly roster: Roster
  readonly clock: Pick<Clock, 'now'>
}

export const PAGE = { max: 1000, usual: 100, least: 1 }
const HOUR_MS = 3_600_000
const USUAL_HOURS = 24

const tokenAnswer = ({ id, name, createdAtMs, expiresAtMs, usesLeft, used, state }: JoinToken) => ({
  ...{ id, name, createdAtMs, used, state },
  ...(expiresAtMs !== undefined && { expiresAtMs }),
  ...(usesLeft !== undefined && { usesLeft }),
})

/** Clusters, and the tokens by which services join them. */
export function clusterRoutes(components: ClusterRoutesComponents): readonly Route[] {
  return [...ownRoutes(components), ...tokenRoutes(components)]
}

function ownRoutes({ changes, roster }: ClusterRoutesComponents): readonly Route[] {
  const named = ({ params }: Exchange) => namedCluster(roster.clusters, params['cluster'] ?? '')
  return [
    managerRoute(managerApi.clusters, (exchange) => {
      const { count, last } = pageRequest(exchange.query, PAGE)
      const rest = last === undefined ? roster.clusters : roster.clusters.filter(({ name }) => name > last)
      const shown = rest.slice(0, count)
      const next = rest.length > count ? shown.at(-1)?.name : undefined
      sendJson(exchange, 200, { clusters: shown.map(clusterAnswer), ...(next !== undefined && { next }) })
    }),
    managerRoute(managerApi.createCluster, async (exchange) => {
      const { default: isDefault, ...init } = await adminBody(managerApi.createCluster, exchange)
      const made = await changes.create(exchange.principal.name, { ...init, isDefault })
      sendJson(exchange, 201, clusterAnswer(made))
    }),
    managerRoute(managerApi.cluster, (exchange) => sendJson(exchange, 200, clusterAnswer(named(exchange)))),
    managerRoute(managerApi.changeCluster, async (exchange) => {
      const { default: isDefault, ...change } = await adminBody(managerApi.changeCluster, exchange)
      const { id } = named(exchange)
      const changed = await changes.change(exchange.principal.name, id, { ...change, isDefault })
      sendJson(exchange, 200, clusterAnswer(changed))
    }),
    managerRoute(managerApi.removeCluster, async (exchange) => {
      await changes.remove(exchange.principal.name, exchange.params['cluster'] ?? '')
      sendEmpty(exchange, 204)
    }),
  ]
}

function tokenRoutes({ tokens, roster, clock }: ClusterRoutesComponents): readonly Route[] {
  const named = ({ params }: Exchange) => namedCluster(roster.clusters, params['cluster'] ?? '')
  return [
    managerRoute(managerApi.joinTokens, async (exchange) => {
      const all = await tokens.of(named(exchange).id)
      sendJson(exchange, 200, { tokens: all.map(tokenAnswer) })
    }),
    managerRoute(managerApi.createJoinToken, async (exchange) => {
      const { name, hours = USUAL_HOURS, uses } = await adminBody(managerApi.createJoinToken, exchange)
      const expiresAtMs = Math.floor(clock.now() + hours * HOUR_MS)
      const init = { clusterId: named(exchange).id, name, expiresAtMs, uses }
      const { token, kept } = await tokens.create(exchange.principal.name, init)
      sendJson(exchange, 201, { ...tokenAnswer(kept), token })
    }),
    managerRoute(managerApi.revokeJoinToken, async (exchange) => {
      await tokens.revoke(exchange.principal.name, named(exchange).id, exchange.params['token'] ?? '')
      sendEmpty(exchange, 204)
    }),
  ]
}
