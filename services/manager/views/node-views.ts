import type { AnswerOf, TracedPull, trackerAdmin } from '../../../lib/api/index.ts'
import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import type { ActOptions, AskedClusters } from './asked-clusters.ts'

type Host = AnswerOf<typeof trackerAdmin.host>
export type MarkKind = 'bans' | 'drains'

/** Blobs of a node that are shown. */
const MAX_BLOBS = 500

/** A node at the trackers of its cluster, and what admins say of it. */
export interface NodeViews {
  /** @throws NODE_UNKNOWN, CLUSTER_UNKNOWN, NO_HEALTHY_MEMBER, REQUEST_INVALID */
  of(cluster: string, peer: string, options: AbortOptions): Promise<Host & { readonly cluster: string }>
  /**
   * Its last pulls, which it tells by a tracker; `query` is that of its own list. @throws HOST_AWAY, BODY_INVALID,
   * DIGEST_INVALID, PAGINATION_NUMBER_INVALID, and as above
   */
  pulls(at: Node, query: Readonly<Record<string, string>>, options: AbortOptions): Promise<PullPage>
  /** @throws PULL_UNKNOWN, HOST_AWAY, and as above */
  pull(at: Node, id: string, options: AbortOptions): Promise<TracedPull>
  /** Puts a mark on a node, or on all at an address: trackers tell each other. @throws CONTROL_FULL, and as above */
  mark(kind: MarkKind, at: MarkedNode, body: MarkBody, options: ActOptions): Promise<AnswerOf<typeof trackerAdmin.ban>>
  /** @throws MARK_UNKNOWN, and as above */
  unmark(kind: MarkKind, at: MarkedNode, options: ActOptions): Promise<AnswerOf<typeof trackerAdmin.unban>>
}

type PullPage = AnswerOf<typeof trackerAdmin.hostPulls>

export interface Node {
  readonly cluster: string
  readonly peer: string
}

export interface MarkedNode {
  readonly cluster: string
  readonly target: string
}

export interface MarkBody {
  readonly reason: string
  readonly minutes?: number | undefined
}

/** What several trackers say of one node: each knows the flow in its own swarms; the rest is as who saw it last says. */
function together([first, ...others]: readonly Host[]): Host {
  if (first === undefined) throw appError('NODE_UNKNOWN')
  const blobs = new Map(first.blobs.map((blob) => [blob.swarmId, blob]))
  let [latest, next] = [first, first.next]
  const rates = { ...first.bytesPerSecond }
  let { downloads, seeds } = first
  for (const host of others) {
    if (host.seenAtMs > latest.seenAtMs) latest = host
    rates.in += host.bytesPerSecond.in
    rates.out += host.bytesPerSecond.out
    downloads = Math.max(downloads, host.downloads)
    seeds = Math.max(seeds, host.seeds)
    next ??= host.next
    for (const blob of host.blobs) if (blobs.get(blob.swarmId)?.complete !== true) blobs.set(blob.swarmId, blob)
  }
  return { ...latest, downloads, seeds, bytesPerSecond: rates, blobs: [...blobs.values()], next }
}

export function nodeViews(clusters: AskedClusters): NodeViews {
  return {
    async of(name, peer, { signal }) {
      const cluster = clusters.named(name)
      const asked = { peer, n: String(MAX_BLOBS) }
      const told = await clusters.ofTrackers(cluster, (tracker, options) => tracker.host(asked, options), { signal })
      return { ...together(told), cluster: cluster.name }
    },
    pulls: ({ cluster, peer }, query, options) =>
      clusters.ofOneTracker(
        clusters.named(cluster),
        (tracker, within) => tracker.hostPulls({ ...query, peer }, within),
        options,
      ),
    pull: ({ cluster, peer }, id, options) =>
      clusters.ofOneTracker(
        clusters.named(cluster),
        (tracker, within) => tracker.hostPull({ peer, id }, within),
        options,
      ),
    mark: (kind, { cluster, target }, body, options) =>
      clusters.ofOneTracker(
        clusters.named(cluster),
        (tracker, within) => (kind === 'bans' ? tracker.ban : tracker.drain)({ target, body }, within),
        options,
      ),
    unmark: (kind, { cluster, target }, options) =>
      clusters.ofOneTracker(
        clusters.named(cluster),
        (tracker, within) => (kind === 'bans' ? tracker.unban : tracker.undrain)({ target }, within),
        options,
      ),
  }
}
