import { type HeldSet, type RegistryProxy, type RegistryUserSet, registryUsersHash } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, inTurns } from '../../../lib/base/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import { heard, holdsFrom } from '../giving.ts'
import type { WantedUsers } from './user-store.ts'

/** The clusters whose proxies get users. */
export type RegistryClusters = Pick<ClusterTalk, 'clusters' | 'proxies'>

export interface PushComponents {
  readonly clock: Clock
  readonly clusters: RegistryClusters
}

export interface PushInit extends AbortOptions {
  readonly wanted: WantedUsers
  /** The name by which proxies know this manager. */
  readonly manager: string
}

/** Proxies that are asked at the same time. */
const ASKED_AT_ONCE = 64

/** What the proxies of a cluster are to have; undefined when there were never any users. */
function setOf(
  cluster: string,
  { wanted, manager }: PushInit,
): (RegistryUserSet & { readonly hash: string }) | undefined {
  const { generation } = wanted
  if (generation === 0) return undefined
  const users = wanted.users.flatMap(({ clusters, ...user }) => (clusters?.includes(cluster) === false ? [] : [user]))
  return { manager, generation, users, hash: registryUsersHash(users) }
}

type SetOfCluster = ReturnType<typeof setOf>

function stateOf(held: HeldSet, { set, manager }: Pick<Asked, 'set' | 'manager'>): RegistryProxy['state'] {
  if (set === undefined) return holdsFrom(held, manager) ? 'behind' : 'applied'
  if (held.by === 'manager' && held.manager !== set.manager) return 'foreign'
  const isSame = held.by === 'manager' && held.generation === set.generation && held.hash === set.hash
  return isSame ? 'applied' : 'behind'
}

type Proxy = ReturnType<RegistryClusters['proxies']>[number]

interface Asked extends Pick<PushInit, 'manager'> {
  readonly cluster: string
  readonly proxy: Proxy
  readonly set: SetOfCluster
}

const rowOf = (asked: Asked, held: HeldSet): RegistryProxy => {
  const { cluster, proxy, set } = asked
  const state = stateOf(held, asked)
  const place = { cluster, proxy: proxy.id, state, generation: held.generation, wanted: set?.generation ?? 0 }
  return state === 'foreign' ? { ...place, manager: held.manager } : place
}

/** What a proxy has, or why that is not known. */
async function tried(
  { clock }: PushComponents,
  { asked, signal }: AbortOptions & { readonly asked: Asked },
  work: (signal: AbortSignal) => Promise<RegistryProxy>,
): Promise<RegistryProxy> {
  const told = await heard(clock, { signal }, work)
  if ('wanted' in told) return told
  return { cluster: asked.cluster, proxy: asked.proxy.id, wanted: asked.set?.generation ?? 0, ...told }
}

function everyProxy({ clusters }: PushComponents, init: PushInit): readonly Asked[] {
  return clusters.clusters().flatMap(({ id, name }) => {
    const set = setOf(id, init)
    return clusters.proxies(id).map((proxy): Asked => ({ cluster: name, proxy, set, manager: init.manager }))
  })
}

/** Enough to see what it has. */
const FIRST = { n: '1' }

/** What all proxies have. */
export const lookAtProxies = (components: PushComponents, init: PushInit): Promise<readonly RegistryProxy[]> =>
  inTurns(everyProxy(components, init), ASKED_AT_ONCE, (asked) =>
    tried(components, { asked, signal: init.signal }, async (signal) =>
      rowOf(asked, await asked.proxy.admin.registryUsers(FIRST, { signal })),
    ),
  )

/** Gives each proxy that has other users those that it is to have. One that has those of another manager is left alone. */
export const pushUsers = (components: PushComponents, init: PushInit): Promise<readonly RegistryProxy[]> =>
  inTurns(everyProxy(components, init), ASKED_AT_ONCE, (asked) =>
    tried(components, { asked, signal: init.signal }, async (signal) => {
      const { proxy, set } = asked
      const held = await proxy.admin.registryUsers(FIRST, { signal })
      const row = rowOf(asked, held)
      const isAhead = held.by === 'manager' && held.generation > row.wanted
      if (set === undefined || row.state !== 'behind' || isAhead) return row
      const { manager, generation, users } = set
      return rowOf(asked, await proxy.admin.giveRegistryUsers({ body: { manager, generation, users } }, { signal }))
    }),
  )
