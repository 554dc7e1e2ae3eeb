import { adminRoute, swarmStates, trackerAdmin } from '../../../lib/api/index.ts'
import { appError, bothInOrder } from '../../../lib/base/index.ts'
import { type PeerInfo, parseDigest, parseSwarmId, type SwarmId, swarmIdOf } from '../../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendEmpty, sendTagged } from '../../../lib/http/index.ts'
import type { EventLog } from '../events/event-log.ts'
import type { Feeds } from '../hosts/feeds.ts'
import type { HostBook } from '../hosts/host-book.ts'
import type { HostHealth } from '../hosts/host-health.ts'
import type { SwarmNames } from '../hosts/swarm-names.ts'
import type { ListedPeer, PeerRegistry } from '../peer-registry.ts'
import type { PeerStore } from '../peer-store/peer-store.ts'
import type { SeedRegistry } from '../seeds/seed-registry.ts'
import { inOrder, pageOf } from './page-of.ts'

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
  readonly health: Pick<HostHealth, 'of'>
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

/** All swarms in order behind `last`; of those whose ids begin otherwise as few as possible. */
function* swarmIds(
  { registry, seeds }: Pick<SwarmRoutesComponents, 'registry' | 'seeds'>,
  { last = '', prefix }: { readonly last: string | undefined; readonly prefix: string },
): Iterable<SwarmId> {
  const [text, where] = last >= prefix ? [last, { behind: true }] : [prefix, {}]
  for (const id of bothInOrder(registry.ids(text, where), seeds.swarmIds(text, where))) {
    if (!id.startsWith(prefix)) return
    yield id
  }
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

/** Which swarms are asked for: all that fit have an id that begins with `prefix`. @throws REQUEST_INVALID */
function filterOf({ names }: Pick<SwarmRoutesComponents, 'names'>, query: URLSearchParams) {
  const [state, digest, repository] = ['state', 'digest', 'repository'].map((name) => query.get(name))
  if (state != null && !swarmStates.some((known) => known === state)) {
    throw appError('REQUEST_INVALID', { message: `state is one of ${swarmStates.join(', ')}` })
  }
  const prefix = digest?.replace(/^sha256:/, '').slice(0, 40) ?? ''
  return {
    prefix,
    /** By what is known of its name. */
    mayFit: (swarmId: SwarmId): boolean => {
      const named = names.of(swarmId)
      return (
        (digest == null || (named?.digest ?? `sha256:${swarmId}`).startsWith(`sha256:${prefix}`)) &&
        (repository == null || named?.repositories.includes(repository) === true)
      )
    },
    fits: (swarm: Summary) => swarm.downloads + swarm.seeds > 0 && (state == null || swarm.state === state),
  }
}

/** Swarms and what happens in them. */
export function swarmRoutes(components: SwarmRoutesComponents): readonly Route[] {
  const { registry, seeds, feeds, book, health, events, store } = components

  const list = (exchange: Exchange) => {
    const asked = pageRequest(exchange.query, { max: MAX_PAGE, usual: PAGE, least: 1 })
    const { prefix, mayFit, fits } = filterOf(components, exchange.query)
    const row = (swarmId: SwarmId) => {
      const swarm = mayFit(swarmId) ? summary(components, swarmId) : undefined
      return swarm !== undefined && fits(swarm) ? swarm : undefined
    }
    const items = swarmIds(components, { last: asked.last, prefix })
    const { page, next } = pageOf({ items, keyOf: (swarmId) => swarmId, row }, asked)
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
    const keyOf = ({ peerId }: Pick<PeerInfo, 'peerId'>) => peerId
    const row = (peer: ListedPeer) => ({
      ...peer,
      zone: book.of(peer.peerId)?.zone,
      health: health.of(peer.peerId),
    })
    const { page: peers, next } = pageOf({ items: inOrder(peersOf(swarm.swarmId), keyOf, asked), keyOf, row }, asked)
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
