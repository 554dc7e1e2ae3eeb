import {
  announceLimits,
  controlClient,
  type JobAnswer,
  originCluster,
  steeringExchangeClient,
  type TorrentCluster,
  torrentCluster,
} from '../../lib/api/index.ts'
import { abortController, type Startable, WAITS_OF_LIFE } from '../../lib/base/index.ts'
import { type Cluster, memberClients } from '../../lib/cluster/index.ts'
import type { SwarmId } from '../../lib/core/index.ts'
import { type HttpClient, lookBudget } from '../../lib/http/index.ts'
import { joining } from '../../lib/joining/index.ts'
import { clusterHttp, type Runtime, serviceCluster, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { trackerAdminRoutes } from './admin/admin.ts'
import { announcements, LIFETIME_INTERVALS } from './announcements.ts'
import type { TrackerConfig } from './config.ts'
import { type Control, control } from './control/control.ts'
import { controlFile } from './control/control-file.ts'
import { type ControlSpread, controlSpread } from './control/control-spread.ts'
import { crossings } from './crossings.ts'
import { type EventLog, eventLog } from './events/event-log.ts'
import { type Fleet, type FleetComponents, fleet } from './fleet/fleet.ts'
import { type TorrentNames, torrentNames } from './foreign/torrent-names.ts'
import { feeds } from './hosts/feeds.ts'
import { hostBook } from './hosts/host-book.ts'
import { hostHealth } from './hosts/host-health.ts'
import { observer } from './hosts/observer.ts'
import { swarmNames } from './hosts/swarm-names.ts'
import { type NamingComponents, naming } from './naming.ts'
import { type PeerRegistry, peerRegistry } from './peer-registry.ts'
import { noPeerStore, type PeerStore } from './peer-store/peer-store.ts'
import { redisPeerStore } from './peer-store/redis-peer-store.ts'
import { storeMeters } from './peer-store/store-meters.ts'
import { type MetainfoRelay, type MetainfoRelayComponents, metainfoRelay } from './relay/metainfo-relay.ts'
import { type SeedRegistry, seedRegistry } from './seeds/seed-registry.ts'
import { trackerServerRoutes } from './server.ts'
import { stalls } from './stalls.ts'
import { type Steering, steering } from './steering/steering.ts'
import { steeringFile } from './steering/steering-file.ts'
import { type SteeringSpread, steeringSpread } from './steering/steering-spread.ts'
import type { PeerEntry } from './swarm.ts'
import { ticking } from './ticking.ts'

/** Replacements for parts of the tracker, given by the herd and by tests. */
export type TrackerComponents = Partial<Runtime>

export interface TrackerService extends Startable {
  /** Base URLs; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

const SWEEP_MS = 30_000
/** What each caller may ask the origins for in vain. */
const LOOKS = { perSecond: 50, burst: 500 }

/** What is known of peers, in memory; `onLeft` hears of each entry that makes room. */
function registries(
  runtime: Runtime,
  { swarms, seeds: limits }: TrackerConfig,
  onLeft: (swarmId: SwarmId, entry: PeerEntry) => void,
) {
  const evicted = runtime.metrics.counter(
    { name: 'shoal_tracker_evicted_total', help: 'What made room because a limit was reached, by kind.' },
    ['kind'],
  )
  const counters = {
    entry: evicted.with({ kind: 'entry' }),
    swarm: evicted.with({ kind: 'swarm' }),
    node: evicted.with({ kind: 'node' }),
  }
  const seeds = seedRegistry(
    { ...runtime, onEvicted: () => counters.node.add() },
    { ...limits, maxSeedsPerNode: announceLimits.maxSeeds },
  )
  const registry = peerRegistry(
    {
      ...{ ...runtime, seeders: (...of) => seeds.count(...of) },
      onEvicted(kind, swarmId, entries) {
        counters[kind].add()
        for (const entry of entries) onLeft(swarmId, entry)
      },
    },
    { maxEntries: swarms.maxEntries, maxSwarms: swarms.max, maxPeersPerSwarm: swarms.maxPeers },
  )
  return { registry, seeds }
}

interface Known {
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly control: Control
}

/** Where trackers share their peers, if they do. */
function sharedStore(runtime: Runtime, known: Known, { store }: TrackerConfig): PeerStore {
  const meters = storeMeters(runtime.metrics)
  const { driver, url, ...place } = store
  if (driver === 'memory' || url === undefined) return noPeerStore()
  const maxTtlMs = () => known.control.now.maxMs * LIFETIME_INTERVALS
  return redisPeerStore({ ...runtime, ...known, meters, maxTtlMs }, { url, ...place })
}

/** Swarm feeds that are kept, about 200 bytes each. */
const MAX_FEEDS = 200_000
/** Zones of swarms whose way to other zones is remembered, about 300 bytes each. */
const MAX_CROSSINGS = 100_000
/** Zones of swarms of which it is remembered what their askers lack, up to 2 KB each. */
const MAX_STALLS = 10_000
/** Events that a client which comes back may have missed. */
const MAX_EVENTS = 4096

/** What is known of nodes and swarms beside who downloads what, and what admins have said. */
function observation(runtime: Runtime, { swarms, seeds, folder, ...config }: TrackerConfig) {
  const { clock, logger } = runtime
  const book = hostBook(clock, { maxHosts: seeds.maxNodes })
  const feeding = feeds(clock, { maxFeeds: MAX_FEEDS })
  const names = swarmNames(clock, { maxSwarms: swarms.max })
  const events = eventLog(clock, { maxEvents: MAX_EVENTS })
  const health = hostHealth(clock, { maxHosts: seeds.maxNodes })
  const observing = observer({ book, feeds: feeding, health, names, events })
  const steered = control(
    {
      ...{ clock, logger, file: controlFile(folder), member: config.member },
      onEvent: (...event) => events.add(...event),
    },
    {
      policy: config.policy,
      perSecond: config.announce.perSecond,
      minMs: config.announce.minInterval,
      maxMs: config.announce.maxInterval,
    },
  )
  return { book, feeds: feeding, health, names, events, observer: observing, control: steered }
}

interface Said extends Pick<Known, 'control'> {
  readonly steering: Steering
}

interface Spreading {
  readonly spread: ControlSpread
  readonly steeringSpread: SteeringSpread
}

/** What admins say, and what a manager holds, to and from the other trackers. */
function spreading(
  runtime: Runtime,
  { http, trackers, ...parts }: { readonly http: HttpClient; readonly trackers: Cluster } & Said,
  { member: self }: TrackerConfig,
): Spreading {
  const words = memberClients(trackers, (url) => controlClient(http, url))
  const held = memberClients(trackers, (url) => steeringExchangeClient(http, url))
  const shared = { ...runtime, ...parts, trackers }
  return {
    spread: controlSpread({ ...shared, client: (member) => words.of(member) }, { self }),
    steeringSpread: steeringSpread({ ...shared, client: (member) => held.of(member) }, { self }),
  }
}

/** The clusters that the config names, by their keys there. */
const ringsOf = (runtime: Runtime, { origins, trackers, buildIndexes, network, member: self }: TrackerConfig) => ({
  origins: serviceCluster(runtime, { name: 'origins', ...origins, network }),
  trackers: serviceCluster(runtime, { name: 'trackers', ...trackers, network, self }),
  buildIndexes: serviceCluster(runtime, { name: 'buildIndexes', ...buildIndexes, network }),
})

function relayOf(parts: MetainfoRelayComponents, { relay }: TrackerConfig): MetainfoRelay {
  const { cache: cacheBytes, linger: lingerMs, missTtl: missTtlMs, maxUpstreams } = relay
  return metainfoRelay(parts, { cacheBytes, maxUpstreams, lingerMs, missTtlMs })
}

/** None where stock BitTorrent clients are not let in. */
function torrentsOf(runtime: Runtime, origins: TorrentCluster, { swarm }: TrackerConfig): TorrentNames | undefined {
  return swarm.foreignPeers ? torrentNames({ ...runtime, origins }) : undefined
}

interface FleetParts extends Pick<FleetComponents, 'http' | 'origins' | 'buildIndexes' | 'steering'> {
  readonly events: Pick<EventLog, 'add'>
}

function fleetOf(runtime: Runtime, { events, ...parts }: FleetParts, config: TrackerConfig): Fleet {
  const onJob = ({ id, kind, target, state, hosts }: JobAnswer) => events.add('job', { id, kind, target, state, hosts })
  return fleet({ ...runtime, ...parts, onJob }, config)
}

/** Fires a signal at the stop. */
function ending(): Startable & { readonly signal: AbortSignal } {
  const controller = abortController(WAITS_OF_LIFE)
  return {
    signal: controller.signal,
    start: () => Promise.resolve(),
    async stop() {
      controller.abort()
    },
  }
}

/** Which peers are named to whom. */
const namingOf = (parts: Omit<NamingComponents, 'crossings' | 'stalls'> & Pick<Runtime, 'clock'>) =>
  naming({
    ...parts,
    crossings: crossings(parts.clock, { maxCrossings: MAX_CROSSINGS }),
    stalls: stalls(parts.clock, { maxZones: MAX_STALLS }),
  })

/**
 * One tracker. Its peers are in memory: after a restart the store that it shares brings them back, or without one the next
 * announces. What admins have said is in its folder. @throws INSECURE_BIND
 */
export function trackerService(components: TrackerComponents, config: TrackerConfig): TrackerService {
  const runtime = serviceRuntime('tracker', config, components)
  const http = clusterHttp(runtime, config)
  const rings = ringsOf(runtime, config)
  const { registry, seeds } = registries(runtime, config, (...gone) => store.left(...gone))
  const observed = observation(runtime, config)
  // Where peers are shared, too, so that what made room in memory does not fill it.
  const store: PeerStore = sharedStore(runtime, { registry, seeds, control: observed.control }, config)
  const known = { registry, seeds, store }
  const end = ending()
  const steered = steering({ ...runtime, ...observed, file: steeringFile(config.folder) }, config)
  const said = { control: observed.control, steering: steered }
  const spreads = spreading(runtime, { http, ...said, trackers: rings.trackers }, config)
  const parts = { ...runtime, ...observed, ...known }
  const origins = originCluster({ http, cluster: rings.origins })
  const relay = relayOf({ ...runtime, cluster: rings.origins, origins }, config)
  const announcing = announcements({
    ...{ ...parts, naming: namingOf(parts) },
    onBringing: (swarmId, origin) => relay.hint(swarmId, origin),
  })
  const { buildIndexes } = rings
  const orders = fleetOf(runtime, { http, origins, buildIndexes, events: observed.events, steering: steered }, config)
  const routes = trackerServerRoutes({
    ...runtime,
    announcements: announcing,
    ...known,
    ...said,
    ...orders,
    ...{ end: end.signal, relay },
    torrents: torrentsOf(runtime, torrentCluster({ http, cluster: rings.origins }), config),
    looks: lookBudget(runtime, LOOKS),
  })
  const admin = trackerAdminRoutes({ ...parts, ...orders, ...said, ...spreads, end: end.signal, rings })
  const manager = joining(runtime, config, { kind: 'tracker', url: (listener) => shell.url(listener) })
  const shell = serviceShell(runtime, config, {
    kind: 'tracker',
    steward: manager,
    rings: Object.values(rings),
    listeners: { http: { routes }, admin: { routes: admin } },
    notes: { store: () => store.trouble },
  })
  // Also peers of swarms without announces expire.
  const sweeping = ticking(runtime.clock, SWEEP_MS, () => {
    for (const each of [registry, seeds, observed.book]) each.sweep()
  })
  return {
    // Stop the relay and the streams of events before the listeners, which wait for them: they do not end by themselves.
    ...shell.around([
      ...[http, observed.control, steered, sweeping, store, orders],
      ...[...shell.listeners, manager, spreads.spread, spreads.steeringSpread, relay, end],
    ]),
    get url() {
      return shell.url('http')
    },
    get opsUrl() {
      return shell.url('ops')
    },
    get adminUrl() {
      return shell.url('admin')
    },
  }
}
