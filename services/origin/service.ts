import { type TrackerCluster, trackerCluster } from '../../lib/api/index.ts'
import { type Backends, backendProbes, durabilityOf, openBackends } from '../../lib/backend/index.ts'
import { appError, background, lifecycle, type Startable } from '../../lib/base/index.ts'
import { newPeerId } from '../../lib/core/index.ts'
import { secretProver } from '../../lib/identity/index.ts'
import type { JournalStorage } from '../../lib/journal/index.ts'
import { inlineDigester } from '../../lib/metainfo/index.ts'
import {
  clusterHttp,
  opsListener,
  type Runtime,
  serviceCluster,
  serviceListener,
  serviceRuntime,
  serviceState,
} from '../../lib/service/index.ts'
import { type BlobStore, diskStore, type ManagedStore, type StoredBlob } from '../../lib/store/index.ts'
import { type BlobRef, type SwarmEngine, seedStored, swarmEngine, tcpTransport } from '../../lib/swarm/index.ts'
import { blobTraffic } from '../../lib/telemetry/index.ts'
import { originAdminRoutes } from './admin.ts'
import { blobNames } from './blob-names.ts'
import { ingest } from './bring/ingest.ts'
import { pieceHashes } from './bring/piece-hashes.ts'
import { refusals } from './bring/refusals.ts'
import type { OriginConfig } from './config.ts'
import { journalStorage, openWriteBack } from './push/open-write-back.ts'
import { placement, pushes } from './push/placement.ts'
import { uploadSessions } from './push/upload-sessions.ts'
import { siblingClients } from './ring/sibling-clients.ts'
import { originServerRoutes } from './server.ts'
import { type Upkeep, upkeep } from './upkeep/upkeep.ts'

/** What stands in for the real thing: in a herd, in tests. */
export interface OriginComponents extends Partial<Runtime> {
  /** Instead of the folder's store, or around it. */
  readonly wrapStore?: (store: ManagedStore) => ManagedStore
  /** Instead of those that the config names. */
  readonly backends?: Backends
  /** Around the storage of the journal. */
  readonly wrapJournal?: (storage: JournalStorage) => JournalStorage
}

export interface OriginService extends Startable {
  /** Base URLs and addresses, once started. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
  readonly peerAddress: { readonly host: string; readonly port: number }
  readonly engine: SwarmEngine
}

/** An origin's engine only seeds: what it lacks is brought by `ingest`, never by the swarm. */
const nothingToPull = {
  // biome-ignore lint/correctness/useYield: it has nothing to yield; the first pull of it says so
  async *open() {
    throw appError('BLOB_UNKNOWN')
  },
  // biome-ignore lint/correctness/useYield: the same
  async *read() {
    throw appError('BLOB_UNKNOWN')
  },
}

interface EngineParts {
  readonly runtime: Runtime
  readonly store: BlobStore
  readonly trackers: TrackerCluster
}

function originEngine({ runtime, store, trackers }: EngineParts, config: OriginConfig): SwarmEngine {
  const peerId = newPeerId(runtime.random)
  const key = Buffer.from(runtime.random.bytes(12)).toString('hex')
  const engine: SwarmEngine = swarmEngine(
    {
      ...runtime,
      store,
      announcer: {
        announce: (batch, options) =>
          trackers.announce({ peerId, key, port: engine.address.port, role: 'origin' }, batch, options),
      },
      metainfo: nothingToPull,
      pieces: nothingToPull,
      transport: tcpTransport(runtime),
      prover: secretProver(config.token),
      digester: inlineDigester(),
    },
    {
      peerId,
      role: 'origin',
      listen: config.peer.bind,
      allowedPeers: config.allowedPeers,
      uploadBytesPerSecond: config.limits.upload,
    },
  )
  return engine
}

/** The parts of an origin that hold state or connections. */
function originParts(components: OriginComponents, config: OriginConfig) {
  const runtime = serviceRuntime('origin', config, components)
  const { logger } = runtime
  const http = clusterHttp(runtime, config)
  const cluster = serviceCluster(runtime, { name: 'origins', ...config.origins })
  const trackers = trackerCluster({
    http,
    logger,
    cluster: serviceCluster(runtime, { name: 'trackers', ...config.trackers }),
  })
  // Whoever knows where else a blob is comes later, and puts itself here.
  const guard: { mayEvict: Upkeep['mayEvict'] } = { mayEvict: async () => false }
  const wrapStore = components.wrapStore ?? ((plain: ManagedStore) => plain)
  const store = wrapStore(
    diskStore(runtime, {
      folder: config.folder,
      volumes: config.store.volumes,
      capacityBytes: config.store.capacity,
      highWatermark: config.store.highWatermark,
      lowWatermark: config.store.lowWatermark,
      minFreeBytes: config.store.minFree,
      uploadIdleMs: config.store.uploadIdle,
      evictable: (digest) => guard.mayEvict(digest),
    }),
  )
  const backends = components.backends ?? openBackends(runtime, config.backends)
  const storage = components.wrapJournal?.(journalStorage(config)) ?? journalStorage(config)
  const engine = originEngine({ runtime, store, trackers }, config)
  const patterns = config.backends.map(({ namespace }) => namespace)
  const names = blobNames({ store, backends }, { patterns })
  return {
    runtime,
    http,
    cluster,
    store,
    backends,
    engine,
    names,
    guard,
    storage,
    siblings: siblingClients(http, cluster),
  }
}

/** Everything else: who brings, places and looks after blobs, and the routes to all of it. */
function originRules(parts: ReturnType<typeof originParts>, config: OriginConfig) {
  const { runtime, engine, names, store } = parts
  const { logger, metrics } = runtime
  const self = { memberId: config.member }
  const bytes = blobTraffic(metrics)
  const tasks = background((name, err) => logger.error('background task failed', { name, err }))
  const hashes = pieceHashes(store)
  const onStored = (blob: BlobRef, stored: StoredBlob) => {
    engine.seed(blob, stored.size)
    tasks.run('note the repository of a blob', () => names.add(blob))
    tasks.run('hash pieces', async (signal) => {
      await hashes.of(stored, { signal })
    })
  }
  const shared = { ...runtime, ...parts, refusals: refusals(runtime.clock), onStored }
  const bring = ingest({ ...shared, onReceived: bytes.received }, self)
  const later = openWriteBack({ ...shared, ingest: bring, onSent: bytes.sent }, config)
  const placed = { ...shared, writeBack: later, durabilityOf: durabilityOf(config.backends), onSent: bytes.sent }
  const place = placement({ ...placed, pushes: pushes(metrics) }, self)
  const uploads = uploadSessions({
    ...shared,
    placement: place,
    onReceived: (count) => bytes.received('client', count),
  })
  const keeping = upkeep(
    { ...shared, ingest: bring, onReceived: bytes.received, pending: () => later.pending() },
    config,
  )
  parts.guard.mayEvict = keeping.mayEvict
  const routes = originServerRoutes(
    {
      ...{ ...placed, ingest: bring, uploads, pieceHashes: hashes, onReceived: bytes.received },
      keeps: (digest, init) => keeping.copies.isKeeper(digest, init),
    },
    self,
  )
  return { tasks, bring, later, keeping, routes: keeping.whileStaying(routes) }
}

/** One origin. @throws INSECURE_BIND, CONFIG_INVALID */
export function originService(components: OriginComponents, config: OriginConfig): OriginService {
  const parts = originParts(components, config)
  const { runtime, http, store, backends, engine } = parts
  const { tasks, bring, later, keeping, routes } = originRules(parts, config)
  const main = serviceListener(runtime, config, { name: 'http', listener: config.http, routes })
  const state = serviceState()
  const probes = backendProbes(runtime, backends.probed ?? [])
  const ops = opsListener(runtime, config, {
    listener: config.ops,
    checks: { service: state.check, store: () => store.trouble, ...keeping.checks, ...probes.checks },
  })
  const admin = serviceListener(runtime, config, {
    name: 'admin',
    listener: config.admin,
    routes: originAdminRoutes({ ...keeping.admin, writeBack: later }),
  })
  return {
    ...state.around(
      lifecycle([
        ...[http, later.books, store, backends, probes, bring, tasks, engine, seedStored(store, engine)],
        ...[later.work, ops, admin, main, keeping],
      ]),
    ),
    engine,
    get url() {
      return main.url
    },
    get opsUrl() {
      return ops.url
    },
    get adminUrl() {
      return admin.url
    },
    get peerAddress() {
      return engine.address
    },
  }
}
