import type {
  AdminCalls,
  AdminClient,
  buildIndexAdmin,
  originAdmin,
  proxyAdmin,
  trackerAdmin,
} from '../../../lib/api/index.ts'

/** One service of a cluster, and its admin API. */
export interface TalkingMember<Calls extends AdminCalls> {
  /** Its name in the cluster. */
  readonly id: string
  readonly admin: AdminClient<Calls>
}

/** How the other wings talk to the services of clusters. Those that answered lately come first. */
export interface ClusterTalk {
  clusters(): readonly { readonly id: string; readonly name: string; readonly away: boolean }[]
  trackers(clusterId: string): readonly TalkingMember<typeof trackerAdmin>[]
  origins(clusterId: string): readonly TalkingMember<typeof originAdmin>[]
  buildIndexes(clusterId: string): readonly TalkingMember<typeof buildIndexAdmin>[]
  proxies(clusterId: string): readonly TalkingMember<typeof proxyAdmin>[]
}
