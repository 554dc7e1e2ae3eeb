import { type PullEnd, type Steered, steered } from '../../lib/api/index.ts'
import type { Startable } from '../../lib/base/index.ts'
import { peerIdOf } from '../../lib/core/index.ts'
import type { Route } from '../../lib/http/index.ts'
import { krakenProbes } from '../../lib/kraken/index.ts'
import { type PieceDigester, threadDigester } from '../../lib/metainfo/index.ts'
import type { RegistryStorage } from '../../lib/registry/index.ts'
import {
  type ListenerInit,
  type Runtime,
  serviceRuntime,
  serviceShell,
  shoalVersion,
  withheld,
} from '../../lib/service/index.ts'
import { diskStore, type ManagedStore, type Repair, type ScrubRounds, scrubRounds } from '../../lib/store/index.ts'
import { type PullSummary, type SwarmEngine, seedParts, seedStored } from '../../lib/swarm/index.ts'
import { blobTraffic } from '../../lib/telemetry/index.ts'
import { assigned } from './assignment/index.ts'
import { type BringBlob, bringBlob } from './bring-blob.ts'
import type { AgentConfig } from './config.ts'
import { departure } from './departure.ts'
import { agentEngine, type Clients, clusterClients } from './engine.ts'
import type { CarryOutComponents } from './fleet/carry-out.ts'
import { orders } from './fleet/orders.ts'
import { clientFront, readers } from './fronts/index.ts'
import { preload } from './kraken/preload.ts'
import { type AgentKrakenComponents, agentKrakenRoutes } from './kraken/routes.ts'
import { keptLinks, type LinkIndex, linkedOpen, links } from './links/index.ts'
import { agentLive } from './live.ts'
import { originNames } from './origin-names.ts'
import { ownPlatform } from './platform.ts'
import { pullEnd } from './pull-end.ts'
import { PullLog } from './pull-log.ts'
import { pullRules } from './pull-rules/index.ts'
import { pulls } from './pulls.ts'
import { adminRoutes } from './server.ts'
import { boundedIndex, boundedOpen, type Ways, ways } from './upstreams/index.ts'

/** Replacements for parts of the agent, given by the herd and by tests. */
export interface AgentComponents extends Partial<Runtime> {
  /** Wraps the store of the folder. */
  readonly wrapStore?: (store: ManagedStore) => ManagedStore
  /** Called with a summary when a pull has ended. */
  readonly onPull?: (summary: PullSummary) => void
}

export interface AgentService extends Startable {
  /** Base URLs and addresses; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
  readonly peerAddress: { readonly host: string; readonly port: number }
  readonly engine: SwarmEngine
}

function agentStore(runtime: Runtime, { folder, store }: AgentConfig) {
  const { capacity: capacityBytes, minFree: minFreeBytes, ...others } = store
  return diskStore(runtime, { folder, capacityBytes, minFreeBytes, ...others })
}

/** Tells of those that say something of this host. */
const countedEnds = (onEnd: (end: PullEnd) => void) => (outcome: string) => {
  const end = pullEnd(outcome)
  if (end !== undefined) onEnd(end)
}

interface ScrubParts {
  readonly store: ManagedStore
  readonly digester: PieceDigester
}

interface LinkParts {
  readonly store: ManagedStore
  readonly engine: SwarmEngine
  readonly index: LinkIndex
}

/** What the agent knows of links, and how it opens what is linked, and what was proven otherwise. */
function agentLinks(runtime: Runtime, { registry }: AgentConfig, { store, engine, index }: LinkParts) {
  const { linkTtl: linkTtlMs, outageTtl: outageTtlMs, upstreamWait: waitMs } = registry
  const kept = keptLinks({ ...runtime, store }, { ttlMs: outageTtlMs })
  const [toIndex, toContent] = [ways(runtime, { waitMs }), ways(runtime, { waitMs })]
  const asked = boundedIndex(index, toIndex)
  const proven = links({ ...runtime, kept, index: asked }, { linkTtlMs, outageTtlMs })
  const opened = boundedOpen({ engine, store, ways: toContent })
  const upstreamWait: Pick<Ways, 'setWaitMs'> = {
    setWaitMs(ms) {
      for (const each of [toIndex, toContent]) each.setWaitMs(ms)
    },
  }
  return { kept, proven, opened, linked: linkedOpen({ engine: opened, links: proven }), upstreamWait }
}

/** A rotten blob is only removed: it is a copy, and whoever asks for it has it brought again. */
function agentScrub(runtime: Runtime, { scrub }: AgentConfig, { store, digester }: ScrubParts): ScrubRounds {
  const repair: Repair = {
    async replace(digest) {
      await store.delete(digest)
      return { outcome: 'removed' }
    },
  }
  return scrubRounds({ ...runtime, store, digester, repair }, { periodMs: scrub.period, bytesPerSecond: scrub.rate })
}

interface KrakenParts extends Omit<AgentKrakenComponents, 'preload' | 'store'> {
  readonly store: AgentKrakenComponents['store']
  readonly bring: BringBlob
  readonly storage: Pick<RegistryStorage, 'manifests'>
  /** The route for blobs, which Kraken's agents have as well. */
  readonly blobs: Route
}

/**
 * Kraken's paths are for the clients of the registry, who have the same rights there; without a secret in the cluster
 * they are for everybody who reaches them, as the admin listener is. @throws READERS_UNSAID
 */
function krakenListener(runtime: Runtime, config: AgentConfig, parts: KrakenParts): ListenerInit {
  const preloading = preload({ ...parts, manifests: parts.storage.manifests, platform: ownPlatform() })
  const guarded = config.secrets.some ? config.kraken.bind : undefined
  return {
    routes: [...agentKrakenRoutes({ ...parts, preload: preloading }), parts.blobs],
    probes: krakenProbes('agent'),
    envelope: 'text',
    ...(guarded !== undefined && { anonymous: readers(runtime, config, guarded.host) }),
  }
}

interface OrdersParts {
  readonly clients: Clients
  readonly work: CarryOutComponents
  readonly pulls: PullLog
  /** Of its announces. */
  readonly key: string
  readonly steered: Steered
}

/** Where an agent keeps what is not content. */
const ownFolder = ({ folder, store }: AgentConfig) => store.volumes[0] ?? folder

function agentOrders(
  runtime: Runtime,
  config: AgentConfig,
  { clients, work, key, pulls: log, steered: steering }: OrdersParts,
): readonly Startable[] {
  if (!config.orders) return []
  const { zone, labels } = config
  const { os, architecture } = ownPlatform()
  return [
    orders(
      {
        ...{ ...runtime, ...work, http: clients.http, trackers: clients.rings.trackers },
        ...{ steered: steering, pulls: log },
      },
      {
        ...{
          peerId: peerIdOf(key),
          platform: `${os}/${architecture}`,
          folder: ownFolder(config),
          shoal: shoalVersion,
        },
        ...(zone !== undefined && { zone }),
        ...(labels !== undefined && { labels }),
      },
    ),
  ]
}

/** What clients get, and what of it was here before. */
function clientTraffic({ metrics }: Runtime, components: AgentComponents) {
  const { sent, received } = blobTraffic(metrics)
  return {
    onSent: (bytes: number) => sent('client', bytes),
    onPull: (summary: PullSummary) => {
      received('cache', summary.bytes.cache)
      components.onPull?.(summary)
    },
  }
}

/** The parts that hold blobs or connections, and the pulls. Each part needs only those above it. */
function agentParts(components: AgentComponents, config: AgentConfig, onEnd: (end: PullEnd) => void) {
  const runtime = serviceRuntime('agent', config, components)
  const plainStore = agentStore(runtime, config)
  const store = components.wrapStore?.(plainStore) ?? plainStore
  const clients = clusterClients(runtime, config)
  const digester = threadDigester()
  const key = Buffer.from(runtime.random.bytes(12)).toString('hex')
  const gives = withheld({ rules: config.withhold, repositoriesOf: (digest) => kept.repositoriesOf(digest) })
  const engine = agentEngine(runtime, config, { store, clients, digester, key, gives })
  plainStore.onGone((digest) => engine.forget(digest))
  const { onSent, onPull } = clientTraffic(runtime, components)
  const log = new PullLog(runtime, { nameOf: originNames(clients.rings.origins) })
  const linking = agentLinks(runtime, config, { store, engine, index: clients.index })
  const { kept, proven, opened, linked, upstreamWait } = linking
  const pulling = pulls({ ...runtime, engine: opened, linked, log, onPull, onEnd: countedEnds(onEnd) })
  const rules = pullRules(runtime, { ...config.registry, rules: config.pulls })
  const bring = bringBlob({ ...runtime, store, pulls: pulling })
  const scrubs = agentScrub(runtime, config, { store, digester })
  const held = { plainStore, store, digester, engine, kept, proven, pulling, bring, log, scrubs }
  const obeying = { ...runtime, engine, store: plainStore, scrub: scrubs.scrub, rules, gives, upstreamWait }
  return { runtime, clients, key, ...held, rules, obeying, onSent }
}

/** What was set before the last stop counts from the first request on, whom it shuts out above all. */
const keptSettings = ({ orders: takes }: AgentConfig, steering: Steered): Startable => ({
  start: () => (takes ? steering.load() : Promise.resolve()),
  stop: () => Promise.resolve(),
})

/** One agent. @throws INSECURE_BIND, READERS_UNSAID, CONFIG_INVALID */
export function agentService(components: AgentComponents, config: AgentConfig): AgentService {
  const made = agentParts(components, config, (end) => steering.count(end))
  const { runtime, clients, key, plainStore, store, digester, engine, kept, proven, pulling, bring, log, scrubs } = made
  const { rules, obeying, onSent } = made
  const leaving = departure(runtime, { afterMs: config.leave.after, closeMs: config.leave.close })
  const front = clientFront(runtime, config, {
    ...{ pulling, links: proven, urls: clients.urls, index: clients.index, onSent, rules },
    ownPorts: () => [engine.address.port, ...shell.listeners.map(({ address }) => address.port)],
  })
  const { parts, guarded, storage, blobs, looks, usual, further } = front
  const steering = steered(
    { ...runtime, live: agentLive({ ...obeying, front: front.live }, config) },
    { folder: ownFolder(config) },
  )
  const shell = serviceShell(runtime, config, {
    kind: 'agent',
    rings: Object.values(clients.rings),
    checks: { store: () => plainStore.trouble, leave: leaving.check },
    leaving: () => leaving.state === 'closing',
    listeners: {
      registry: usual,
      admin: { routes: adminRoutes({ store, engine, log, rings: clients.rings, departure: leaving, steering }) },
      kraken: krakenListener(runtime, config, {
        ...{ store, storage, bring, blobs, looks, rules },
        index: guarded.closed.tags(clients.index),
      }),
    },
    further,
  })
  return {
    ...shell.around([
      ...[clients.http, ...assigned(runtime, config, { rings: clients.rings, folder: ownFolder(config) })],
      ...[...parts, store, kept, digester, engine, seedStored(store, engine), seedParts(store, engine)],
      ...[scrubs, keptSettings(config, steering), ...shell.listeners],
      ...agentOrders(runtime, config, {
        clients,
        work: { store, links: proven, bring },
        key,
        pulls: log,
        steered: steering,
      }),
      leaving.part,
    ]),
    engine,
    get url() {
      return shell.url('registry')
    },
    get opsUrl() {
      return shell.url('ops')
    },
    get adminUrl() {
      return shell.url('admin')
    },
    get peerAddress() {
      return engine.address
    },
  }
}
