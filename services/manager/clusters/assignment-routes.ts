import { type AssignedCluster, type MemberKind, managerApi } from '../../../lib/api/index.ts'
import { appError, remoteAddressOf } from '../../../lib/base/index.ts'
import { type Exchange, type RequestRate, type Route, sendJson } from '../../../lib/http/index.ts'
import { credentialsIn } from '../../../lib/identity/index.ts'
import { hasNeed, managerRoute } from '../managed.ts'
import { anyText } from '../query-words.ts'
import { type Asker, assign, type Fit } from './assignment.ts'
import type { ClusterMeters } from './cluster-meters.ts'
import type { JoinTokenStore } from './join-token-store.ts'
import { type KnownCluster, ofKind, type Roster } from './roster.ts'

export interface AssignmentRoutesComponents {
  readonly roster: Pick<Roster, 'clusters'>
  readonly tokens: Pick<JoinTokenStore, 'find'>
  readonly rate: RequestRate
  readonly meters: Pick<ClusterMeters, 'assigned'>
}

/** An IPv4 address that came over an IPv6 socket is written as what it is. */
const plain = (address: string | undefined) => address?.replace(/^::ffff:(?=\d)/i, '')

const askerOf = ({ query, req }: Exchange): Asker => ({
  address: plain(anyText(query, 'address') ?? remoteAddressOf(req.socket)),
  zone: anyText(query, 'zone'),
  host: anyText(query, 'host'),
})

/** A cluster that can be sent to, and why not. */
const candidateOf = (cluster: KnownCluster) => ({
  ...{ name: cluster.name, scopes: cluster.compiled, isDefault: cluster.isDefault, cluster },
  ...(cluster.state === 'away' && { away: 'none of its trackers answers' }),
  ...(cluster.state === 'empty' && { away: 'no tracker has joined' }),
})

/** Of origins and build-indexes also those that are away: without them, the places of the others on the ring would be wrong. */
function assignedOf({ cluster: { cluster }, points, why }: Fit<ReturnType<typeof candidateOf>>): AssignedCluster {
  const places = (kind: MemberKind) =>
    ofKind(cluster.members, kind).flatMap(({ member, urls: { http }, health: { state } }) =>
      http === undefined || (state === 'away' && kind === 'tracker') ? [] : [{ id: member, url: http, state }],
    )
  return {
    ...{ id: cluster.id, name: cluster.name, points, why },
    ...{ trackers: places('tracker'), origins: places('origin'), buildIndexes: places('buildIndex') },
  }
}

/** Who belongs to which cluster: for agents with a join token of any cluster, and for whoever has the right. */
export function assignmentRoute({ roster, tokens, rate, meters }: AssignmentRoutesComponents): Route {
  /** @throws JOIN_REFUSED, UNAUTHORIZED, DENIED */
  const admit = async ({ principal, req }: Exchange) => {
    if (hasNeed(principal, { resource: 'assignments', action: 'read' })) return
    const shown = credentialsIn(req.headers.authorization)
    const token = shown.kind === 'bearer' ? await tokens.find(shown.token) : undefined
    if (token === undefined) throw appError(principal.name === 'anonymous' ? 'UNAUTHORIZED' : 'DENIED')
    if (token.state === 'expired') throw appError('JOIN_REFUSED', { message: 'the join token has expired' })
  }
  return managerRoute(managerApi.assignment, async (exchange) => {
    rate.count(exchange.req)
    await admit(exchange)
    const { fits, passed } = assign(roster.clusters.map(candidateOf), askerOf(exchange))
    const [best, ...others] = fits
    meters.assigned(best === undefined ? 'none' : passed.length > 0 ? 'other' : 'best')
    if (best === undefined) throw appError('ASSIGNMENT_NONE', { detail: { passed } })
    sendJson(exchange, 200, { cluster: assignedOf(best), alternatives: others.map(assignedOf), passed })
  })
}
