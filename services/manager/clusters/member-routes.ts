import { hostStates, managerApi, memberKinds, memberStates } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import { managerRoute } from '../managed.ts'
import { namedCluster } from '../named-cluster.ts'
import { anyText, oneOf } from '../query-words.ts'
import { memberAnswer } from './cluster-answer.ts'
import { PAGE } from './cluster-routes.ts'
import { type HostStore, hostAnswer } from './host-store.ts'
import type { Member, MemberStore } from './member-store.ts'
import type { Roster } from './roster.ts'

export interface MemberRoutesComponents {
  readonly members: MemberStore
  readonly hosts: HostStore
  readonly roster: Roster
}

const before = (a: string, b: string) => (a < b ? -1 : 1)

/** Services that have joined, and hosts that trackers know. */
export function memberRoutes(components: MemberRoutesComponents): readonly Route[] {
  return [...ownRoutes(components), hostRoute(components)]
}

/** The cluster that a query names. @throws CLUSTER_UNKNOWN */
const askedCluster = (roster: Roster, query: URLSearchParams) => {
  const named = query.get('cluster')
  return named === null ? undefined : namedCluster(roster.clusters, named)
}

function ownRoutes({ members, roster }: MemberRoutesComponents): readonly Route[] {
  const known = () => roster.clusters.flatMap((cluster) => cluster.members.map((member) => ({ cluster, member })))
  const one = ({ params }: Exchange) => {
    const found = known().find(({ member }) => member.id === params['member'])
    if (found === undefined)
      throw appError('MEMBER_UNKNOWN', { detail: { member: (params['member'] ?? '').slice(0, 64) } })
    return found
  }
  const list = (exchange: Exchange) => {
    const { count, last } = pageRequest(exchange.query, PAGE)
    const [kind, state] = [oneOf(exchange.query, 'kind', memberKinds), oneOf(exchange.query, 'state', memberStates)]
    const wanted = askedCluster(roster, exchange.query)
    const fits = (member: Member) =>
      (wanted === undefined || member.clusterId === wanted.id) &&
      (kind === undefined || member.kind === kind) &&
      (state === undefined || member.health.state === state) &&
      (last === undefined || member.id > last)
    const rest = known()
      .filter(({ member }) => fits(member))
      .toSorted((a, b) => before(a.member.id, b.member.id))
    const shown = rest.slice(0, count)
    const next = rest.length > count ? shown.at(-1)?.member.id : undefined
    const rows = shown.map(({ member, cluster }) => memberAnswer(member, cluster.name))
    sendJson(exchange, 200, { members: rows, ...(next !== undefined && { next }) })
  }
  return [
    managerRoute(managerApi.members, list),
    managerRoute(managerApi.member, (exchange) => {
      const { member, cluster } = one(exchange)
      sendJson(exchange, 200, memberAnswer(member, cluster.name))
    }),
    managerRoute(managerApi.forgetMember, async (exchange) => {
      await members.forget(exchange.principal.name, one(exchange).member.id)
      await roster.refresh()
      sendEmpty(exchange, 204)
    }),
  ]
}

const hostRoute = ({ hosts, roster }: MemberRoutesComponents): Route =>
  managerRoute(managerApi.hosts, async (exchange) => {
    const { query } = exchange
    const filter = {
      clusterId: askedCluster(roster, query)?.id,
      state: oneOf(query, 'state', hostStates),
      role: oneOf(query, 'role', ['agent', 'origin']),
      ...(oneOf(query, 'behind', ['true']) !== undefined && { behind: true as const }),
      ...{ zone: anyText(query, 'zone'), version: anyText(query, 'version'), text: anyText(query, 'text') },
    }
    const { rows, next } = await hosts.page(filter, pageRequest(query, PAGE))
    const told = rows.map((row) => hostAnswer(row, roster.find(row.clusterId)?.name ?? ''))
    sendJson(exchange, 200, { hosts: told, ...(next !== undefined && { next }) })
  })
