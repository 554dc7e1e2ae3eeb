import { adminRoute, trackerAdmin } from '../../../lib/api/index.ts'
import { appError, bothInOrder } from '../../../lib/base/index.ts'
import { type PeerId, parsePeerId, type SwarmId } from '../../../lib/core/index.ts'
import { type Exchange, type PageRequest, pageRequest, type Route, sendTagged } from '../../../lib/http/index.ts'
import type { Control, MarkKind } from '../control/control.ts'
import type { Posts } from '../fleet/posts.ts'
import type { Feeds } from '../hosts/feeds.ts'
import type { HostBook, KnownHost } from '../hosts/host-book.ts'
import type { HostHealth } from '../hosts/host-health.ts'
import type { SwarmNames } from '../hosts/swarm-names.ts'
import type { PeerRegistry } from '../peer-registry.ts'
import type { SeedRegistry } from '../seeds/seed-registry.ts'
import type { HostReports } from '../steering/host-reports.ts'
import { runSettings } from '../steering/steered-state.ts'
import type { Steering } from '../steering/steering.ts'
import { inOrder, pageOf } from './page-of.ts'

/** Nodes, or blobs of one, on a page: the default and the most. */
const PAGE = 100
const MAX_PAGE = 1000

export interface HostRoutesComponents {
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly names: SwarmNames
  readonly feeds: Feeds
  readonly book: HostBook
  readonly health: Pick<HostHealth, 'of'>
  readonly control: Pick<Control, 'markOf' | 'marks'>
  readonly posts: Pick<Posts, 'size'>
  readonly steering: Pick<Steering, 'for' | 'held'>
  readonly reports: Pick<HostReports, 'ofPeer' | 'isAway'>
}

/** Zones that the statistics show. */
const MAX_ZONES = 1000

const stateMarks: Readonly<Record<string, MarkKind>> = { banned: 'ban', draining: 'drain' }

/** @throws REQUEST_INVALID */
function filterOf(query: URLSearchParams, control: Pick<Control, 'markOf'>): (host: KnownHost) => boolean {
  const [zone, role, address, state] = ['zone', 'role', 'host', 'state'].map((name) => query.get(name))
  if (role != null && role !== 'agent' && role !== 'origin') {
    throw appError('REQUEST_INVALID', { message: 'role is agent or origin' })
  }
  const mark = state == null ? undefined : stateMarks[state]
  if (state != null && mark === undefined) {
    throw appError('REQUEST_INVALID', { message: `state is one of ${Object.keys(stateMarks).join(', ')}` })
  }
  return (host) =>
    (zone == null || host.zone === zone) &&
    (role == null || host.role === role) &&
    (address == null || host.host === address) &&
    (mark === undefined || control.markOf(mark, host) !== undefined)
}

/** Nodes, and what each has. */
export function hostRoutes(components: HostRoutesComponents): readonly Route[] {
  const { registry, seeds, names, feeds, book, health, control, reports } = components

  const shown = (host: KnownHost) => {
    const [ban, drain] = [control.markOf('ban', host), control.markOf('drain', host)]
    const report = reports.ofPeer(host.peerId)
    return {
      ...host,
      health: health.of(host.peerId),
      bytesPerSecond: feeds.ratesOf(host.peerId),
      downloads: registry.swarmsOf(host.peerId).size,
      seeds: seeds.seedCount(host.peerId),
      ...(ban !== undefined && { ban }),
      ...(drain !== undefined && { drain }),
      ...(report?.shoal !== undefined && { shoal: report.shoal }),
      ...(report !== undefined && { settings: runSettings(components, report) }),
    }
  }

  const list = (exchange: Exchange) => {
    const asked = pageRequest(exchange.query, { max: MAX_PAGE, usual: PAGE, least: 1 })
    const fits = filterOf(exchange.query, control)
    const row = (host: KnownHost) => (fits(host) ? shown(host) : undefined)
    const { page, next } = pageOf({ items: book.behind(asked.last ?? ''), keyOf: ({ peerId }) => peerId, row }, asked)
    sendTagged(exchange, { hosts: page, ...(next !== undefined && { next }) })
  }

  /** Those for one page, in order. */
  const blobsOf = (peerId: PeerId, asked: PageRequest) => {
    const sorted = (ids: Iterable<SwarmId>) => inOrder(ids, (id) => id, asked)
    return bothInOrder(sorted(seeds.seedsOf(peerId)), sorted(registry.swarmsOf(peerId)))
  }

  const one = (exchange: Exchange) => {
    const text = exchange.params['peer'] ?? ''
    if (!/^[0-9a-f]{40}$/.test(text)) {
      throw appError('REQUEST_INVALID', { message: 'name a node by its peer id: 40 hex characters' })
    }
    const host = book.of(parsePeerId(text))
    if (host === undefined) throw appError('NODE_UNKNOWN')
    const asked = pageRequest(exchange.query, { max: MAX_PAGE, usual: PAGE, least: 1 })
    const row = (swarmId: SwarmId) => {
      return { swarmId, digest: names.of(swarmId)?.digest, complete: seeds.has(swarmId, host.peerId) }
    }
    const keyOf = (swarmId: SwarmId) => swarmId
    const { page: blobs, next } = pageOf({ items: blobsOf(host.peerId, asked), keyOf, row }, asked)
    sendTagged(exchange, { ...shown(host), blobs, ...(next !== undefined && { next }) })
  }

  return [
    adminRoute(trackerAdmin.statistics, statistics(components)),
    adminRoute(trackerAdmin.hosts, list),
    adminRoute(trackerAdmin.host, one),
  ]
}

const statistics =
  ({ registry, seeds, book, control, posts }: HostRoutesComponents) =>
  (exchange: Exchange) => {
    const zones = new Map<string, number>()
    for (const { zone = '' } of book.all()) zones.set(zone, (zones.get(zone) ?? 0) + 1)
    const largest = [...zones].toSorted(([, a], [, b]) => b - a).slice(0, MAX_ZONES)
    sendTagged(exchange, {
      swarms: registry.swarms,
      downloads: registry.peers,
      nodes: seeds.nodes,
      seeds: seeds.seeds,
      seededSwarms: seeds.swarms,
      hosts: book.size,
      bans: control.marks('ban').length,
      drains: control.marks('drain').length,
      listening: posts.size,
      zones: Object.fromEntries(largest),
      moreZones: zones.size - largest.length,
    })
  }
