import {
  type GivenRemoteSet,
  givenRemotesHash,
  type HeldSet,
  MAX_REMOTE_URL,
  MAX_REMOTE_URLS,
  type RelationState,
} from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, inTurns } from '../../../lib/base/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import { heard, holdsFrom } from '../giving.ts'
import { remoteOf, type WantedRelations } from './relation-store.ts'

/** The clusters whose build-indexes get relations. */
export type RelationClusters = Pick<ClusterTalk, 'clusters' | 'buildIndexes' | 'indexUrls'>

export interface PushComponents {
  readonly clock: Clock
  readonly clusters: RelationClusters
}

export interface PushInit extends AbortOptions {
  readonly wanted: WantedRelations
  /** The name by which build-indexes know this manager. */
  readonly manager: string
}

/** Clusters that are asked at the same time, and build-indexes of each. */
const CLUSTERS_AT_ONCE = 32
const INDEXES_AT_ONCE = 8

type Cluster = ReturnType<RelationClusters['clusters']>[number]
type BuildIndex = ReturnType<RelationClusters['buildIndexes']>[number]
type SetOfCluster = GivenRemoteSet & { readonly hash: string }

/** Where other clusters reach the build-indexes of one, as many as a remote may have. */
export const reachedAt = (clusters: Pick<RelationClusters, 'indexUrls'>, clusterId: string): readonly string[] =>
  clusters
    .indexUrls(clusterId)
    .filter((url) => url.length <= MAX_REMOTE_URL)
    .slice(0, MAX_REMOTE_URLS)

/** What the build-indexes of a cluster are to have; undefined when there were never any relations. */
function setOf({ clusters }: PushComponents, { id }: Cluster, init: PushInit): SetOfCluster | undefined {
  const { manager, wanted } = init
  if (wanted.generation === 0) return undefined
  const on = wanted.relations.filter(({ fromId, row }) => fromId === id && !row.isPaused)
  const remotes = on.map(({ row, toId }) => remoteOf(row, reachedAt(clusters, toId)))
  const named = remotes.filter(({ urls }) => urls.length > 0)
  return { manager, generation: wanted.generation, remotes: named, hash: givenRemotesHash(named) }
}

/** A cluster that replicates to none, and was never told to, needs nothing. */
const needsNothing = (set: SetOfCluster | undefined, held?: HeldSet): boolean =>
  set === undefined || (set.remotes.length === 0 && held?.manager !== set.manager)

function stateOf(held: HeldSet, { set, manager }: Pick<Asked, 'set' | 'manager'>): RelationState['state'] {
  if (set === undefined) return holdsFrom(held, manager) ? 'behind' : 'applied'
  if (needsNothing(set, held)) return 'applied'
  if (held.by !== 'nobody' && held.manager !== set.manager) return 'foreign'
  const isSame = held.by === 'manager' && held.generation === set.generation && held.hash === set.hash
  return isSame ? 'applied' : 'behind'
}

/** A build-index, and what it has; undefined: it did not say. */
interface Looked {
  readonly index: BuildIndex
  readonly row: RelationState
}

interface Asked extends Pick<PushInit, 'manager'> {
  readonly cluster: Cluster
  readonly set: SetOfCluster | undefined
}

async function tried(
  { clock }: PushComponents,
  asked: Asked & AbortOptions & { readonly index: BuildIndex },
  work: (signal: AbortSignal) => Promise<HeldSet>,
): Promise<RelationState> {
  const { cluster, set, index, signal } = asked
  const place = { cluster: cluster.name, buildIndex: index.id, wanted: set?.generation ?? 0 }
  const held = await heard(clock, { signal }, work)
  if (!('by' in held)) {
    const isFine = held.code === 'REMOTES_OFF' && needsNothing(set)
    return isFine ? { ...place, state: 'applied' } : { ...place, ...held }
  }
  const state = stateOf(held, asked)
  const row = { ...place, state, generation: held.generation }
  return state === 'foreign' ? { ...row, manager: held.manager } : row
}

/** What the build-indexes of a cluster have. */
const looksAt = (components: PushComponents, asked: Asked, options: AbortOptions): Promise<readonly Looked[]> =>
  inTurns(components.clusters.buildIndexes(asked.cluster.id), INDEXES_AT_ONCE, async (index) => ({
    index,
    row: await tried(components, { ...asked, index, ...options }, (signal) => index.admin.givenRemotes({}, { signal })),
  }))

/** What all build-indexes have. */
export async function lookAtRelations(components: PushComponents, init: PushInit): Promise<readonly RelationState[]> {
  const { manager, signal } = init
  const rows = await inTurns(components.clusters.clusters(), CLUSTERS_AT_ONCE, async (cluster) => {
    const set = setOf(components, cluster, init)
    return (await looksAt(components, { cluster, set, manager }, { signal })).map(({ row }) => row)
  })
  return rows.flat()
}

const isAhead = ({ state, generation = 0, wanted }: RelationState) => state === 'behind' && generation > wanted

/** Gives a cluster its set, at the first build-index that takes it: the others have it from their backend. */
async function giveTo(
  components: PushComponents,
  asked: Asked & { readonly set: SetOfCluster },
  { looked, signal }: AbortOptions & { readonly looked: readonly Looked[] },
): Promise<readonly RelationState[]> {
  const { manager, generation, remotes } = asked.set
  const rows = new Map(looked.map(({ index, row }) => [index.id, row]))
  for (const { index, row } of looked) {
    if (row.state !== 'behind') continue
    const after = await tried(components, { ...asked, index, signal }, (limit) =>
      index.admin.giveRemotes({ body: { manager, generation, remotes } }, { signal: limit }),
    )
    rows.set(index.id, after)
    if (after.state === 'applied') break
  }
  return [...rows.values()]
}

/**
 * Gives the build-indexes of each cluster that have other relations those that they are to have. A cluster that has those of
 * another manager, or later ones of this one, is left alone.
 */
export async function pushRelations(components: PushComponents, init: PushInit): Promise<readonly RelationState[]> {
  const { manager, signal } = init
  const rows = await inTurns(components.clusters.clusters(), CLUSTERS_AT_ONCE, async (cluster) => {
    const set = setOf(components, cluster, init)
    const looked = await looksAt(components, { cluster, set, manager }, { signal })
    const all = looked.map(({ row }) => row)
    const isSettled = all.some(({ state }) => state === 'foreign') || all.some(isAhead)
    return set === undefined || isSettled ? all : giveTo(components, { cluster, set, manager }, { looked, signal })
  })
  return rows.flat()
}
