import type { AnswerOf, SwarmViewRow, trackerAdmin, WholeSwarm } from '../../../lib/api/index.ts'
import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import type { AskedClusters, SilentCluster, ViewedCluster } from './asked-clusters.ts'
import { mergedPage } from './merged-pages.ts'

type Told = AnswerOf<typeof trackerAdmin.swarm>
type Row = Omit<SwarmViewRow, 'cluster'>

/** Peers of a swarm that are shown, and how many a tracker is asked for at once. */
const MAX_PEERS = 5_000
const PAGE = 1_000

export interface SwarmQuery extends AbortOptions {
  readonly count: number
  readonly last: string | undefined
  readonly cluster: string | undefined
  readonly state: string | undefined
  readonly digest: string | undefined
  readonly repository: string | undefined
}

export interface SwarmPage {
  readonly swarms: readonly SwarmViewRow[]
  readonly next?: string
  readonly silent: readonly SilentCluster[]
}

/** Swarms of clusters, as all their trackers together know them. */
export interface SwarmViews {
  /** @throws CLUSTER_UNKNOWN */
  page(query: SwarmQuery): Promise<SwarmPage>
  /** @throws SWARM_UNKNOWN, CLUSTER_UNKNOWN, NO_HEALTHY_MEMBER, REQUEST_INVALID */
  whole(cluster: string, swarm: string, options: AbortOptions): Promise<WholeSwarm>
}

/** Trackers that both know a swarm share it, or one of them heard of it lately: the one that knows most is told. */
const better = (a: Row, b: Row): Row => (b.downloads + b.seeds > a.downloads + a.seeds ? b : a)

function once(rows: readonly Row[]): readonly Row[] {
  const known = new Map<string, Row>()
  for (const row of rows) {
    const before = known.get(row.swarmId)
    known.set(row.swarmId, before === undefined ? row : better(before, row))
  }
  return [...known.values()]
}

/** All that one tracker tells of a swarm, page by page. */
async function gathered(
  ask: (last: string | undefined) => Promise<Told>,
): Promise<{ readonly told: Told; readonly cut: boolean }> {
  const first = await ask(undefined)
  const peers = [...first.peers]
  let { next } = first
  while (next !== undefined && peers.length < MAX_PEERS) {
    const page: Told = await ask(next)
    peers.push(...page.peers)
    next = page.next
  }
  return { told: { ...first, peers }, cut: next !== undefined }
}

function together(cluster: string, all: readonly { readonly told: Told; readonly cut: boolean }[]): WholeSwarm {
  const peers = new Map<string, Told['peers'][number]>()
  const feeds = new Map<string, Told['feeds'][number]>()
  for (const { told } of all) {
    for (const peer of told.peers) if (peers.get(peer.peerId)?.complete !== true) peers.set(peer.peerId, peer)
    for (const feed of told.feeds) {
      const before = feeds.get(`${feed.from}>${feed.to}`)
      if (before === undefined || before.bytes < feed.bytes) feeds.set(`${feed.from}>${feed.to}`, feed)
    }
  }
  const [first, ...others] = all.map(({ told: { peers: _, feeds: __, next: ___, ...row } }): Row => row)
  if (first === undefined) throw appError('SWARM_UNKNOWN')
  return {
    swarm: { ...others.reduce(better, first), cluster },
    peers: [...peers.values()],
    feeds: [...feeds.values()],
    cut: all.some(({ cut }) => cut),
  }
}

export function swarmViews(clusters: AskedClusters): SwarmViews {
  const pageOf = async (cluster: ViewedCluster, { count, last, state, digest, repository, signal }: SwarmQuery) => {
    const asked = { n: String(count), last, state, digest, repository }
    const pages = await clusters.ofTrackers(cluster, (tracker, options) => tracker.swarms(asked, options), { signal })
    const rows = pages.map(({ swarms, next }) => ({ rows: swarms, next }))
    const { rows: merged, next } = mergedPage<Row>(rows, { count, keyOf: ({ swarmId }) => swarmId })
    return { rows: once(merged).map((row): SwarmViewRow => ({ ...row, cluster: cluster.name })), next }
  }
  return {
    async page(query) {
      const chosen = query.cluster === undefined ? clusters.all() : [clusters.named(query.cluster)]
      const { found, silent } = await clusters.each(chosen, (cluster) => pageOf(cluster, query))
      const pages = found.map(({ value }) => value)
      const { rows, next } = mergedPage(pages, { count: query.count, keyOf: ({ swarmId }) => swarmId })
      return { swarms: rows, silent, ...(next !== undefined && { next }) }
    },
    async whole(name, swarm, { signal }) {
      const cluster = clusters.named(name)
      const all = await clusters.ofTrackers(
        cluster,
        (tracker, options) => gathered((last) => tracker.swarm({ swarm, n: String(PAGE), last }, options)),
        { signal },
      )
      return together(cluster.name, all)
    },
  }
}
