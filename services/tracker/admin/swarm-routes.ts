import { adminRoute, swarmStates, trackerAdmin } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type PeerInfo, parseDigest, parseSwarmId, type SwarmId, swarmIdOf } from '../../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendTagged } from '../../../lib/http/index.ts'
import type { EventLog } from '../events/event-log.ts'
import type { Feeds } from '../hosts/feeds.ts'
import type { HostBook } from '../hosts/host-book.ts'
import type { SwarmNames } from '../hosts/swarm-names.ts'
import type { ListedPeer, PeerRegistry } from '../peer-registry.ts'
import type { PeerStore } from '../peer-store/peer-store.ts'
import type { SeedRegistry } from '../seeds/seed-registry.ts'
import { pageOf } from './page-of.ts'

/** Swarms, or peers of one, on a page: the default and the most. */
const PAGE = 100
const MAX_PAGE = 1000
/** Feeds of a swarm in an answer, those with most bytes. */
const MAX_FEEDS = 5000

export interface SwarmRoutesComponents {
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly names: SwarmNames
  readonly feeds: Feeds
  readonly book: HostBook
  readonly events: Pick<EventLog, 'add'>
  readonly store: Pick<PeerStore, 'dropped'>
}

/** @throws REQUEST_INVALID when it is neither a digest nor the id of a swarm */
function swarmIn(exchange: Exchange): SwarmId {
  const text = exchange.params['swarm'] ?? ''
  if (text.includes(':')) return swarmIdOf(parseDigest(text))
  if (/^[0-9a-f]{40}$/.test(text)) return parseSwarmId(text)
  throw appError('REQUEST_INVALID', {
    message: 'name a swarm by its id (40 hex characters) or by the digest of its blob',
  })
}

function* swarmIds({ registry, seeds }: Pick<SwarmRoutesComponents, 'registry' | 'seeds'>): Iterable<SwarmId> {
  const seen = new Set<SwarmId>()
  for (const id of registry.ids()) {
    seen.add(id)
    yield id
  }
  for (const id of seeds.swarmIds()) if (!seen.has(id)) yield id
}

function summary({ registry, seeds, names }: SwarmRoutesComponents, swarmId: SwarmId) {
  const { complete, incomplete } = registry.counts(swarmId)
  const origins = seeds.count(swarmId, 'origin')
  const full = complete + origins + seeds.count(swarmId, 'agent')
  const named = names.of(swarmId)
  const active = full > 0 ? ('downloading' as const) : ('starving' as const)
  return {
    swarmId,
    ...(named !== undefined && { digest: named.digest }),
    repositories: named?.repositories ?? [],
    state: incomplete === 0 ? ('seeded' as const) : active,
    downloads: incomplete,
    seeds: full,
    origins,
  }
}

type Summary = ReturnType<typeof summary>

/** @throws REQUEST_INVALID */
function filterOf(query: URLSearchParams): (swarm: Summary) => boolean {
  const [state, digest, repository] = ['state', 'digest', 'repository'].map((name) => query.get(name))
  if (state != null && !swarmStates.some((known) => known === state)) {
    throw appError('REQUEST_INVALID', { message: `state is one of ${swarmStates.join(', ')}` })
  }
  const hex = digest?.replace(/^sha256:/, '')
  return (swarm) =>
    (state == null || swarm.state === state) &&
    (hex === undefined || (swarm.digest ?? `sha256:${swarm.swarmId}`).startsWith(`sha256:${hex.slice(0, 40)}`)) &&
    (repository == null || swarm.repositories.includes(repository))
}

/** Swarms and what happens in them. */
export function swarmRoutes(components: SwarmRoutesComponents): readonly Route[] {
  const { registry, seeds, feeds, book, events, store } = components

  const list = (exchange: Exchange) => {
    const asked = pageRequest(exchange.query, { max: MAX_PAGE, usual: PAGE, least: 1 })
    const fits = filterOf(exchange.query)
    const found = function* () {
      for (const id of swarmIds(components)) {
        const swarm = summary(components, id)
        if (fits(swarm) && swarm.downloads + swarm.seeds > 0) yield swarm
      }
    }
    const { page, next } = pageOf(found(), ({ swarmId }) => swarmId, asked)
    sendTagged(exchange, { swarms: page, ...(next !== undefined && { next }) })
  }

  const peersOf = (swarmId: SwarmId): readonly ListedPeer[] => {
    const entries = registry.entries(swarmId)
    const known = new Set(entries.map(({ peerId }) => peerId))
    const others = seeds.seedersOf(swarmId).filter(({ peerId }) => !known.has(peerId))
    return [...entries, ...others.map((peer: PeerInfo) => ({ ...peer, leftBytes: 0 }))]
  }

  /** @throws SWARM_UNKNOWN */
  const known = (exchange: Exchange): Summary => {
    const swarm = summary(components, swarmIn(exchange))
    if (swarm.downloads + swarm.seeds === 0) throw appError('SWARM_UNKNOWN')
    return swarm
  }

  const one = (exchange: Exchange) => {
    const swarm = known(exchange)
    const asked = pageRequest(exchange.query, { max: MAX_PAGE, usual: PAGE, least: 1 })
    const { page, next } = pageOf(peersOf(swarm.swarmId), ({ peerId }) => peerId, asked)
    const peers = page.map((peer) => ({ ...peer, zone: book.of(peer.peerId)?.zone }))
    const told = feeds
      .of(swarm.swarmId)
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(0, MAX_FEEDS)
    sendTagged(exchange, { ...swarm, peers, feeds: told, ...(next !== undefined && { next }) })
  }

  const drop = (exchange: Exchange) => {
    const { swarmId, digest } = known(exchange)
    registry.drop(swarmId)
    store.dropped(swarmId)
    feeds.forget(swarmId)
    events.add('drop', { swarmId, digest })
    sendEmpty(exchange, 204)
  }

  return [
    adminRoute(trackerAdmin.swarms, list),
    adminRoute(trackerAdmin.swarm, one),
    adminRoute(trackerAdmin.dropSwarm, drop),
  ]
}
