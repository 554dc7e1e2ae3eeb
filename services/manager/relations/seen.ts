import type { RemoteAnswer, SeenRelation } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, codeOf, deadline, inTurns } from '../../../lib/base/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import type { KeptRelation } from './relation-store.ts'

export interface SeenComponents {
  readonly clock: Clock
  readonly clusters: Pick<ClusterTalk, 'clusters' | 'buildIndexes'>
}

export interface SeenInit extends AbortOptions {
  readonly relations: readonly KeptRelation[]
  /** Where build-indexes of a cluster reach those of another one, if the relation does not say. */
  readonly urlsTo: (clusterId: string) => readonly string[]
  readonly count: number
  /** `next` of the page before. */
  readonly last: string
  /** Only those from this cluster or to it. */
  readonly cluster?: Named | undefined
}

export interface SeenPage {
  readonly relations: readonly SeenRelation[]
  readonly silent: readonly { readonly cluster: string; readonly code: string }[]
  readonly next?: string
}

interface Named {
  readonly id: string
  readonly name: string
}

/** Clusters that are asked at the same time, and how long one build-index may take. */
const ASKED_AT_ONCE = 16
const ASK_MS = 5_000
const NO_MEMBER = 'NO_MEMBER'

type Told = { readonly remotes: readonly RemoteAnswer[] } | { readonly code: string }

/** To whom a cluster replicates: as the first of its build-indexes says that answers. */
async function ask({ clusters, clock }: SeenComponents, cluster: string, options: AbortOptions): Promise<Told> {
  let code = NO_MEMBER
  for (const { admin } of clusters.buildIndexes(cluster)) {
    const limit = deadline(clock, ASK_MS, options.signal)
    try {
      return await admin.remotes({}, limit)
    } catch (err) {
      options.signal?.throwIfAborted()
      code = codeOf(err) ?? 'UNKNOWN'
    } finally {
      limit.release()
    }
  }
  return { code }
}

const looksOf = ({ reachable, lastError }: RemoteAnswer) => ({
  reachable,
  ...(lastError !== undefined && { lastError }),
})

/** One of the manager, and what the build-index says of it. */
function managed({ row, toId }: KeptRelation, told: Told, { urlsTo }: SeenInit): SeenRelation {
  const { id, from, to, remote, rules, bandwidth, concurrency, signatures, deletes, isPaused } = row
  const seen =
    'remotes' in told ? told.remotes.find((each) => each.name === remote && each.from === 'given') : undefined
  return {
    ...{ origin: 'managed', id, from, remote, to, rules, urls: row.urls ?? urlsTo(toId) },
    ...(bandwidth !== undefined && { bandwidth }),
    ...{ concurrency, signatures, deletes, isPaused },
    ...(seen !== undefined && looksOf(seen)),
  }
}

/** One that build-indexes have from elsewhere. */
function other(from: string, remote: RemoteAnswer): SeenRelation {
  const { name, urls, cluster: to, bytesPerSecond, concurrency, signatures, deletes, rules } = remote
  return {
    ...{ origin: remote.from === 'given' ? 'given' : 'file', from, remote: name, urls },
    ...{ concurrency, signatures, deletes, isPaused: false },
    ...(to !== undefined && { to }),
    ...(bytesPerSecond !== undefined && { bandwidth: bytesPerSecond }),
    ...looksOf(remote),
    rules: rules.map(({ repository, tag }) => ({ repository, tag })),
  }
}

/** Of one name there is one in the config, too, until that of the manager has taken its place. */
const placeOf = ({ from, remote, origin }: SeenRelation) => `${from}/${remote}/${origin}`
/** The cluster of a place; no name of one has a slash. */
const clusterOf = (place: string): string => place.split('/')[0] ?? ''

/** All of one cluster, by the names of their remotes: each once, whoever tells of it. */
function joined({ id, name }: Named, told: Told, init: SeenInit): readonly SeenRelation[] {
  const own = init.relations.filter(({ fromId }) => fromId === id)
  const known = new Set(own.map(({ row }) => row.remote))
  const isOther = (remote: RemoteAnswer) => remote.from === 'config' || !known.has(remote.name)
  const others = 'remotes' in told ? told.remotes.filter(isOther) : []
  const all = [...own.map((each) => managed(each, told, init)), ...others.map((remote) => other(name, remote))]
  const isWanted = ({ from, to }: SeenRelation) => init.cluster === undefined || [from, to].includes(init.cluster.name)
  // Names have characters that come before the slash: which cluster is later its name decides, as on the way through them.
  const isLater = (each: SeenRelation) => name !== clusterOf(init.last) || placeOf(each) > init.last
  return all.filter((each) => isWanted(each) && isLater(each)).toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
}

/** Relations by the names of their clusters and remotes. Of clusters after the page nobody is asked. */
export async function seenRelations(components: SeenComponents, init: SeenInit): Promise<SeenPage> {
  const after = clusterOf(init.last)
  const rest = components.clusters
    .clusters()
    .filter(({ name }) => name >= after)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const relations: SeenRelation[] = []
  const silent: { cluster: string; code: string }[] = []
  for (let at = 0; at < rest.length && relations.length <= init.count; at += ASKED_AT_ONCE) {
    const some = rest.slice(at, at + ASKED_AT_ONCE)
    const told = await inTurns(some, ASKED_AT_ONCE, (cluster) => ask(components, cluster.id, init))
    for (const [i, cluster] of some.entries()) {
      const said = told[i] ?? { code: NO_MEMBER }
      if (relations.length <= init.count) relations.push(...joined(cluster, said, init))
      if ('code' in said && said.code !== NO_MEMBER) silent.push({ cluster: cluster.name, code: said.code })
    }
  }
  const shown = relations.slice(0, init.count)
  const final = relations.length > init.count ? shown.at(-1) : undefined
  return { relations: shown, silent, ...(final !== undefined && { next: placeOf(final) }) }
}
