import { trackerCluster } from '../../lib/api/index.ts'
import { type Backends, openBackends } from '../../lib/backend/index.ts'
import { appError, background, lifecycle, type Startable } from '../../lib/base/index.ts'
import { newPeerId } from '../../lib/core/index.ts'
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
import { type BlobStore, diskStore, type StoredBlob } from '../../lib/store/index.ts'
import { type BlobRef, type SwarmEngine, seedStored, swarmEngine, tcpTransport } from '../../lib/swarm/index.ts'
import { blobTraffic } from '../../lib/telemetry/index.ts'
import { originAdminRoutes } from './admin.ts'
import type { OriginConfig } from './config.ts'
import { ingest } from './ingest.ts'
import { pieceHashes } from './piece-hashes.ts'
import { placement } from './placement.ts'
import { refusals } from './refusals.ts'
import { originServerRoutes } from './server.ts'
import { siblingClients } from './sibling-clients.ts'
import { uploadSessions } from './upload-sessions.ts'

/** What stands in for the real thing: in a herd, in tests. */
export interface OriginComponents extends Partial<Runtime> {
  /** Instead of the folder's store, or around it. */
  readonly wrapStore?: (store: BlobStore) => BlobStore
  /** Instead of those that the config names. */
  readonly backends?: Backends
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

/** The parts of an origin that hold state or connections. */
function originParts(components: OriginComponents, config: OriginConfig) {
  const runtime = serviceRuntime('origin', config, components)
  const { logger, random } = runtime
  const http = clusterHttp(runtime, config)
  const cluster = serviceCluster(runtime, { name: 'origins', ...config.origins })
  const trackers = trackerCluster({
    http,
    logger,
    cluster: serviceCluster(runtime, { name: 'trackers', ...config.trackers }),
  })
  const wrapStore = components.wrapStore ?? ((plain: BlobStore) => plain)
  const store = wrapStore(
    diskStore(runtime, {
      folder: config.folder,
      capacityBytes: config.store.capacity,
      minFreeBytes: config.store.minFree,
      uploadIdleMs: config.store.uploadIdle,
    }),
  )
  const backends = components.backends ?? openBackends(runtime, config.backends)
  const peerId = newPeerId(random)
  const key = Buffer.from(random.bytes(12)).toString('hex')
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
  return { runtime, http, cluster, store, backends, engine, siblings: siblingClients(http, cluster) }
}

/** One origin. @throws INSECURE_BIND, CONFIG_INVALID */
export function originService(components: OriginComponents, config: OriginConfig): OriginService {
  const { runtime, http, cluster, store, backends, engine, siblings } = originParts(components, config)
  const { logger, clock, random, metrics } = runtime
  const bytes = blobTraffic(metrics)
  const tasks = background((name, err) => logger.error('background task failed', { name, err }))
  const hashes = pieceHashes(store)
  const onStored = (blob: BlobRef, stored: StoredBlob) => {
    engine.seed(blob, stored.size)
    tasks.run('hash pieces', async (signal) => {
      await hashes.of(stored, { signal })
    })
  }

  const self = { memberId: config.member }
  const refused = refusals(clock)
  const shared = { refusals: refused, store, backends, cluster, siblings, logger, clock, random, onStored }
  const bring = ingest({ ...shared, onReceived: bytes.received }, self)
  const place = placement({ ...shared, onSent: bytes.sent }, self)
  const uploads = uploadSessions(
    { ...shared, placement: place, onReceived: (count) => bytes.received('client', count) },
    self,
  )
  const routes = originServerRoutes(
    { ...shared, ingest: bring, uploads, pieceHashes: hashes, onReceived: bytes.received, onSent: bytes.sent },
    self,
  )
  const main = serviceListener(runtime, config, { name: 'http', listener: config.http, routes })
  const state = serviceState()
  const ops = opsListener(runtime, config, { listener: config.ops, checks: { service: state.check } })
  const admin = serviceListener(runtime, config, {
    name: 'admin',
    listener: config.admin,
    routes: originAdminRoutes({ store }),
  })
  return {
    ...state.around(
      lifecycle([http, store, backends, bring, tasks, engine, seedStored(store, engine), ops, admin, main]),
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
