import { buildIndexCluster, originCluster, trackerCluster } from '../../lib/api/index.ts'
import { collectGarbage, type Startable } from '../../lib/base/index.ts'
import { peerIdOf } from '../../lib/core/index.ts'
import { isOpenToStrangers, registryReaders } from '../../lib/identity/index.ts'
import { type PieceDigester, threadDigester } from '../../lib/metainfo/index.ts'
import { registryRoutes } from '../../lib/registry/index.ts'
import { clusterHttp, type Runtime, serviceCluster, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { diskStore, type ManagedStore } from '../../lib/store/index.ts'
import {
  type PullSummary,
  type SwarmEngine,
  type SwarmStore,
  seedStored,
  swarmEngine,
  tcpTransport,
} from '../../lib/swarm/index.ts'
import { blobTraffic } from '../../lib/telemetry/index.ts'
import type { AgentConfig } from './config.ts'
import { keptManifests } from './kept-manifests.ts'
import { pulls } from './pulls.ts'
import { agentStorage } from './registry-storage.ts'
import { adminRoutes, blobRoute } from './server.ts'
import { clusterMetainfo, originPieces, trackerAnnouncer } from './swarm-sources.ts'

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

/** The agent's clients of the other services. */
function clusterClients(runtime: Runtime, config: AgentConfig) {
  const http = clusterHttp(runtime, config)
  const ring = (name: 'origins' | 'trackers' | 'buildIndexes') => serviceCluster(runtime, { name, ...config[name] })
  const rings = { origins: ring('origins'), trackers: ring('trackers'), buildIndexes: ring('buildIndexes') }
  return {
    http,
    rings,
    origins: originCluster({ http, cluster: rings.origins }),
    trackers: trackerCluster({ http, cluster: rings.trackers, logger: runtime.logger }),
    index: buildIndexCluster({ http, cluster: rings.buildIndexes }),
  }
}

type Clients = ReturnType<typeof clusterClients>

function agentEngine(
  runtime: Runtime,
  config: AgentConfig,
  { store, clients, digester }: { store: SwarmStore; clients: Clients; digester: PieceDigester },
): SwarmEngine {
  const key = Buffer.from(runtime.random.bytes(12)).toString('hex')
  const peerId = peerIdOf(key)
  const { zone, labels } = config
  const identity = { key, zone, labels }
  return swarmEngine(
    {
      ...runtime,
      store,
      announcer: trackerAnnouncer(clients.trackers, identity),
      metainfo: clusterMetainfo(clients.trackers, clients.origins, identity),
      pieces: originPieces(clients.origins, peerId),
      transport: tcpTransport(runtime),
      prover: config.secrets.prover,
      digester,
      collectGarbage: () => {
        digester.rest().catch(() => undefined)
        collectGarbage()
      },
    },
    {
      peerId,
      role: 'agent',
      zone,
      listen: config.peer.bind,
      uploadBytesPerSecond: config.limits.upload,
      downloadBytesPerSecond: config.limits.download,
      allowedPeers: config.allowedPeers,
      verify: config.verify,
    },
  )
}

function agentStore(runtime: Runtime, { folder, store }: AgentConfig) {
  const { capacity: capacityBytes, minFree: minFreeBytes, volumes } = store
  return diskStore(runtime, { folder, volumes, capacityBytes, minFreeBytes })
}

/** What a client without a secret may do at the registry. @throws READERS_UNSAID */
function readers({ logger }: Runtime, { secrets, registry: { listener, anonymous } }: AgentConfig) {
  const { host } = listener.bind
  const rights = registryReaders({ host, secrets, anonymous })
  if (isOpenToStrangers({ host, secrets, anonymous: rights })) {
    logger.warn('everybody who reaches the registry may read', { host, anonymous: rights })
  }
  return rights
}

/** One agent. @throws INSECURE_BIND, READERS_UNSAID, CONFIG_INVALID */
export function agentService(components: AgentComponents, config: AgentConfig): AgentService {
  const runtime = serviceRuntime('agent', config, components)
  const { metrics } = runtime
  const plainStore = agentStore(runtime, config)
  const store = components.wrapStore?.(plainStore) ?? plainStore
  const clients = clusterClients(runtime, config)
  const digester = threadDigester()
  const engine = agentEngine(runtime, config, { store, clients, digester })
  const traffic = blobTraffic(metrics)
  const onSent = (bytes: number) => traffic.sent('client', bytes)
  const onPull = (summary: PullSummary) => {
    traffic.received('cache', summary.bytes.cache)
    components.onPull?.(summary)
  }
  const pulling = pulls({ ...runtime, engine, onPull })
  const kept = keptManifests({ ...runtime, store })
  const storage = agentStorage({ store, kept, pulls: pulling, index: clients.index })
  const routes = [
    ...registryRoutes(storage, {
      ownNames: config.registry.ownNames,
      traffic: { received: () => undefined, sent: onSent },
    }),
    blobRoute(pulling, onSent),
  ]
  const shell = serviceShell(runtime, config, {
    kind: 'agent',
    checks: { store: () => plainStore.trouble },
    listeners: {
      registry: { routes, envelope: 'registry', anonymous: readers(runtime, config) },
      admin: { routes: adminRoutes({ store, engine, rings: clients.rings }) },
    },
  })
  return {
    ...shell.around([clients.http, store, kept, digester, engine, seedStored(store, engine), ...shell.listeners]),
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
