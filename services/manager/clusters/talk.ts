import {
  type AdminCalls,
  type AdminClient,
  adminClient,
  buildIndexAdmin,
  type MemberKind,
  originAdmin,
  proxyAdmin,
  trackerAdmin,
} from '../../../lib/api/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { keyOwner, type Member } from './member-store.ts'
import { ofKind, type Roster } from './roster.ts'
import type { Seal } from './seal.ts'

/** One service of a cluster, and its admin API. */
export interface TalkingMember<Calls extends AdminCalls> {
  /** Its name in the cluster. */
  readonly id: string
  readonly admin: AdminClient<Calls>
}

export interface TalkingCluster {
  readonly id: string
  readonly name: string
  readonly away: boolean
  /** No service has ever joined it, of whatever kind. */
  readonly empty?: true
}

/** How the other wings talk to the services of clusters. Those that answered lately come first. */
export interface ClusterTalk {
  clusters(): readonly TalkingCluster[]
  trackers(clusterId: string): readonly TalkingMember<typeof trackerAdmin>[]
  origins(clusterId: string): readonly TalkingMember<typeof originAdmin>[]
  buildIndexes(clusterId: string): readonly TalkingMember<typeof buildIndexAdmin>[]
  proxies(clusterId: string): readonly TalkingMember<typeof proxyAdmin>[]
  /** Where its build-indexes are called by others, away or not; always in the same order. */
  indexUrls(clusterId: string): readonly string[]
}

export interface ClusterTalkComponents {
  readonly roster: Pick<Roster, 'clusters' | 'find'>
  readonly http: HttpClient
  readonly seal: () => Seal
}

/** The client that shows the member its key. @throws SEAL_BROKEN from its calls, when the key cannot be opened */
export function withKeyOf(
  http: HttpClient,
  seal: () => Seal,
  { id, sealedKey }: Pick<Member, 'id' | 'sealedKey'>,
): HttpClient {
  return withKey(http, () => seal().open(sealedKey, keyOwner(id)))
}

export const withKey = (http: HttpClient, key: () => string): HttpClient => ({
  ...http,
  request: async (request) =>
    http.request({ ...request, headers: { ...request.headers, authorization: `Bearer ${key()}` } }),
})

export function clusterTalk({ roster, http, seal }: ClusterTalkComponents): ClusterTalk {
  const membersOf = <const Calls extends AdminCalls>(clusterId: string, kind: MemberKind, calls: Calls) =>
    ofKind(roster.find(clusterId)?.members ?? [], kind).map(
      (member): TalkingMember<Calls> => ({
        id: member.member,
        admin: adminClient(withKeyOf(http, seal, member), member.urls.admin, calls),
      }),
    )
  return {
    clusters: () =>
      roster.clusters.map(({ id, name, state, members }) => ({
        ...{ id, name, away: state === 'away' || state === 'empty' },
        ...(members.length === 0 && { empty: true as const }),
      })),
    trackers: (clusterId) => membersOf(clusterId, 'tracker', trackerAdmin),
    origins: (clusterId) => membersOf(clusterId, 'origin', originAdmin),
    buildIndexes: (clusterId) => membersOf(clusterId, 'buildIndex', buildIndexAdmin),
    proxies: (clusterId) => membersOf(clusterId, 'proxy', proxyAdmin),
    indexUrls: (clusterId) => {
      const members = ofKind(roster.find(clusterId)?.members ?? [], 'buildIndex')
      return [...new Set(members.flatMap(({ urls }) => urls.http ?? []))].toSorted()
    },
  }
}
