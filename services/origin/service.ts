import { foreignSwarms, trackerCluster, upstreamTalk } from '../../lib/api/index.ts'
import {
  type Backends,
  backendProbes,
  durabilityOf,
  openBackends,
  openUpstreams,
  withUpstreams,
} from '../../lib/backend/index.ts'
import { background, type Startable } from '../../lib/base/index.ts'
import { type BlobRef, type Digest, type PullClass, type Repository, URL_REGISTRY } from '../../lib/core/index.ts'
import { lookBudget, requestRate } from '../../lib/http/index.ts'
import { joining } from '../../lib/joining/index.ts'
import type { JournalStorage } from '../../lib/journal/index.ts'
import { blockHashing, type Hashing, threadDigester } from '../../lib/metainfo/index.ts'
import {
  clusterHttp,
  type Runtime,
  serviceCluster,
  serviceRuntime,
  serviceShell,
  withheld,
} from '../../lib/service/index.ts'
import {
  type CommittedBlob,
  diskStore,
  type ManagedStore,
  type SidecarName,
  type StoredBlob,
} from '../../lib/store/index.ts'
import { classPaces, type SwarmEngine, seedStored, swarmLimits } from '../../lib/swarm/index.ts'
import { blobTraffic } from '../../lib/telemetry/index.ts'
import { originAdminRoutes } from './admin.ts'
import { blobNames } from './blob-names.ts'
import { fillPace } from './bring/fill-pace.ts'
import { ingest } from './bring/ingest.ts'
import type { Ingest } from './bring/ingest-contract.ts'
import { ingestMetrics } from './bring/ingest-metrics.ts'
import { misses } from './bring/misses.ts'
import { pieceHashes } from './bring/piece-hashes.ts'
import { refusals } from './bring/refusals.ts'
import { sourceKeys } from './bring/source-keys.ts'
import type { OriginConfig } from './config.ts'
import { DEMANDS_PER_SECOND } from './demand-routes.ts'
import { originEngine } from './engine.ts'
import { condemnedBlobs } from './garbage/condemned.ts'
import { garbagePlaces } from './garbage/places.ts'
import { keepBlob } from './push/keep-blob.ts'
import { journalStorage, openWriteBack } from './push/open-write-back.ts'
import { placement, pushes } from './push/placement.ts'
import { remoteSend } from './push/remote-send.ts'
import { sendTargets } from './push/send-targets.ts'
import { uploadQuota, uploadRefusals } from './push/upload-quota.ts'
import { type UploadSessionsComponents, uploadSessions } from './push/upload-sessions.ts'
import { siblingClients } from './ring/sibling-clients.ts'
import { originServerRoutes } from './server.ts'
import { originSteering } from './steering.ts'
import { torrents } from './torrents/torrents.ts'
import { type EvictionVote, evictionVote } from './upkeep/eviction-vote.ts'
import { upkeep } from './upkeep/upkeep.ts'
import { openUrlParts, urlsFor } from './urls/open-urls.ts'

/** Replacements for parts of the origin, given by the herd and by tests. */
export interface OriginComponents extends Partial<Runtime> {
  /** Wraps or replaces the store of the folder. */
  readonly wrapStore?: (store: ManagedStore) => ManagedStore
  /** Replaces the backends that the config names. */
  readonly backends?: Backends
  /** Wraps the storage of the journal. */
  readonly wrapJournal?: (storage: JournalStorage) => JournalStorage
  /** As `CondemnedComponents.sentenceLookMs`, for a grace that no config allows. */
  readonly sentenceLookMs?: number
}

export interface OriginService extends Startable {
  /** Base URLs and addresses; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
  readonly peerAddress: { readonly host: string; readonly port: number }
  readonly engine: SwarmEngine
}

/** What each caller may ask for in vain: more than a tracker lets through. */
const LOOKS = { perSecond: 500, burst: 2000 }

interface HashingRuntime extends Runtime {
  readonly hashing: Hashing
}

function originStore(runtime: HashingRuntime, config: OriginConfig, evictions: EvictionVote) {
  const { volumes, capacity, highWatermark, lowWatermark, minFree, uploadIdle } = config.store
  return diskStore(runtime, {
    folder: config.folder,
    volumes,
    capacityBytes: capacity,
    highWatermark,
    lowWatermark,
    minFreeBytes: minFree,
    uploadIdleMs: uploadIdle,
    evictable: evictions.mayEvict,
  })
}

/** The parts that hold blobs or connections. Each part needs only those above it. */
function originParts(components: OriginComponents, config: OriginConfig) {
  const runtime = { ...serviceRuntime('origin', config, components), hashing: blockHashing(threadDigester()) }
  const { logger } = runtime
  const { network } = config
  const http = clusterHttp(runtime, config)
  const targets = sendTargets(runtime, config.send.allow)
  const cluster = serviceCluster(runtime, { name: 'origins', ...config.origins, network, self: config.member })
  const siblings = siblingClients(http, cluster)
  const trackerRing = serviceCluster(runtime, { name: 'trackers', ...config.trackers, network })
  const trackers = trackerCluster({ http, logger, cluster: trackerRing })
  const evictions = evictionVote()
  const plainStore = originStore(runtime, config, evictions)
  const store = components.wrapStore?.(plainStore) ?? plainStore
  const own = components.backends ?? openBackends(runtime, config.backends)
  const talk = upstreamTalk({ http, cluster, self: config.member })
  const upstreams = openUpstreams({ ...runtime, talk }, config.upstreams)
  const urlParts = openUrlParts(runtime, config.urls)
  const backends = urlParts.around(withUpstreams(runtime, own, upstreams))
  const plainStorage = journalStorage(config)
  const storage = components.wrapJournal?.(plainStorage) ?? plainStorage
  const foreign = foreignSwarms({ http, cluster: trackerRing })
  const gives = withheld({ rules: config.withhold, repositoriesOf: (digest) => names.noted(digest) })
  const { engine, peerId } = originEngine({ runtime, store, trackers, foreign, cluster, gives }, config)
  plainStore.onGone((digest) => engine.forget(digest))
  const patterns = config.backends.map(({ repository }) => repository)
  const isUpstream = ({ registry }: Repository) => registry === URL_REGISTRY || upstreams.at(registry) !== undefined
  const names = blobNames({ store, backends }, { patterns, isUpstream })
  const rings = { origins: cluster, trackers: trackerRing }
  const { sentenceLookMs } = components
  const kept = { evictions, store, backends, upstreams, storage, sentenceLookMs, urlParts }
  return { runtime, http, targets, cluster, rings, siblings, engine, peerId, gives, names, plainStore, ...kept }
}

type OriginParts = ReturnType<typeof originParts>

/** Work after a blob has become complete here, in the background. */
function afterStored({ runtime, store, engine, names }: OriginParts) {
  const { logger } = runtime
  const tasks = background((name, err) => logger.error('background task failed', { name, err }))
  const hashes = pieceHashes(store)
  const onStored = (blob: BlobRef, stored: StoredBlob & Partial<CommittedBlob>) => {
    engine.seed(blob, stored.size)
    const has = (name: SidecarName) => stored.beside?.includes(name) === true
    if (!has('label')) tasks.run('note the repository of a blob', () => names.add(blob))
    if (has('pieces')) return
    tasks.run('hash pieces', async (signal) => {
      await hashes.of(stored, { signal })
    })
  }
  return { tasks, hashes, onStored }
}

/** All blobs that go out over HTTP take part in the upload rate like one torrent of their class, and the small ones like a small one. */
function uploadPace({ uploads }: Pick<SwarmEngine, 'uploads'>) {
  const [long, short] = [classPaces(uploads, { short: false }), classPaces(uploads, { short: true })]
  return (sizeBytes: number, pullClass: PullClass = 'normal') =>
    (sizeBytes <= swarmLimits.shortBlobBytes ? short : long)[pullClass]
}

/** The limits of what is uploaded and is no blob yet. */
function originQuota({ runtime, store }: OriginParts, { store: { capacity }, uploads }: OriginConfig) {
  const { max, share, clientShare } = uploads
  return uploadQuota(
    { store, refused: uploadRefusals(runtime.metrics) },
    { maxUploads: max, maxBytes: capacity * share, clientShare },
  )
}

/** Torrents of what is here; none where stock BitTorrent clients are not let in. */
function originTorrents({ store, rings }: OriginParts, { swarm }: OriginConfig, bring: Ingest) {
  if (!swarm.foreignPeers) return undefined
  const hashes = pieceHashes(store, 'torrent')
  return torrents({ store, ingest: bring, hashes, trackers: rings.trackers })
}

type UploadParts = Pick<UploadSessionsComponents, 'placement' | 'quota' | 'onStored'> & {
  readonly onReceived: ReturnType<typeof blobTraffic>['received']
}

function originUploads({ store, names }: OriginParts, { onReceived, ...components }: UploadParts) {
  return uploadSessions({ ...components, store, names, onReceived: (count) => onReceived('client', count) })
}

/** How fast comes what nobody has asked for, and who counts it. */
function originFill({ clock, metrics }: Runtime, { ingest: { fill: bytesPerSecond } }: OriginConfig) {
  const { onFilled, onUnwanted } = ingestMetrics(metrics)
  return { fill: fillPace(clock, { bytesPerSecond, onFilled }), onUnwanted }
}

/** The parts that bring, place and look after blobs, and their routes. Each part needs only those above it. */
function originRules(parts: OriginParts, config: OriginConfig) {
  const { runtime, cluster, siblings, evictions, store, backends, storage, engine, names } = parts
  const [self, idleMs] = [{ memberId: config.member }, config.ingest.idle]
  const { received: onReceived, sent: onSent } = blobTraffic(runtime.metrics)
  const { tasks, hashes, onStored: noted } = afterStored(parts)
  const keys = sourceKeys(backends)
  const owns = (digest: Digest) => cluster.owners(digest).some(({ id }) => id === config.member)
  const missing = misses({ ...runtime, keys, owns })
  const onStored: typeof noted = (blob, stored) => {
    missing.clear(blob)
    noted(blob, stored)
  }
  const refused = refusals(runtime.clock, keys)
  const condemned = condemnedBlobs({ ...runtime, sentenceLookMs: parts.sentenceLookMs })
  const shared = { ...runtime, cluster, siblings, store, backends, keys, condemned, refusals: refused, misses: missing }
  const seedArriving: SwarmEngine['arriving'] = (...arriving) => engine.arriving(...arriving)
  const onBrought: typeof onStored = (blob, stored) => {
    onStored(blob, stored)
    keeping.farewell.noteBrought(blob.digest)
  }
  const filling = originFill(runtime, config)
  const bring = ingest({ ...shared, ...filling, onReceived, onStored: onBrought, seedArriving }, { ...self, idleMs })
  const later = openWriteBack({ ...shared, storage, ingest: bring, onSent }, config)
  const kept = { ...shared, writeBack: later, durabilityOf: durabilityOf(config.backends), onSent }
  const place = placement({ ...kept, pushes: pushes(runtime.metrics) }, self)
  const quota = originQuota(parts, config)
  const uploads = originUploads(parts, { placement: place, quota, onReceived, onStored })
  const pace = uploadPace(engine)
  const pending = () => later.pending()
  const keeping = upkeep({ ...shared, names, evictions, ingest: bring, engine, onReceived, onStored, pending }, config)
  const fromWeb = (bytes: number) => onReceived('backend', bytes)
  const urls = urlsFor(parts.urlParts, { ...shared, names, quota, onStored, onReceived: fromWeb })
  const routes = originServerRoutes(
    {
      urls,
      ...{ ...shared, names, upstreams: parts.upstreams },
      ingest: bring,
      pieceHashes: hashes,
      torrents: originTorrents(parts, config, bring),
      ...{ pace, gives: parts.gives },
      sendTargets: parts.targets,
      remoteSend: remoteSend({ ...shared, remoteHttp: parts.targets.http, pace, onSent }),
      admitOverHttp: (...asked) => engine.admitOverHttp(...asked),
      writeBack: later,
      keepForLink: (blob, options) => keepBlob(kept, blob, options),
      garbage: { ...runtime, backends: garbagePlaces(backends, config.backends), condemned, store },
      looks: lookBudget(runtime, LOOKS),
      demands: requestRate(runtime, { listener: 'http', perSecond: DEMANDS_PER_SECOND, code: 'TOOMANYREQUESTS' }),
      uploads,
      keeps: (digest, init) => keeping.copies.isKeeper(digest, init),
      onReceived,
      onSent,
      onStored,
    },
    self,
  )
  const ofUploads = { uploads, openUploads: () => store.openUploads(), clientOf: (id: string) => quota.clientOf(id) }
  const admin = { ...keeping.admin, ...ofUploads, ingests: bring, urls, writeBack: later, engine, fill: filling.fill }
  return { tasks, bring, later, keeping, urls, admin, routes: keeping.whileStaying(routes) }
}

/** One origin. @throws INSECURE_BIND, CONFIG_INVALID */
export function originService(components: OriginComponents, config: OriginConfig): OriginService {
  const parts = originParts(components, config)
  const { runtime, http, targets, store, backends, engine, peerId } = parts
  const { tasks, bring, later, keeping, urls, admin, routes } = originRules(parts, config)
  const obeying = { ...parts, ...admin, ...runtime, trackers: parts.rings.trackers, store: parts.plainStore }
  const { steering, asking } = originSteering(obeying, { ...config, peerId })
  const probes = backendProbes(runtime, backends.probed ?? [])
  const capacity = () => ({ capacityBytes: config.store.capacity, usedBytes: store.usedBytes })
  const manager = joining(runtime, config, { kind: 'origin', url: (listener) => shell.url(listener), capacity })
  const shell = serviceShell(runtime, config, {
    kind: 'origin',
    steward: manager,
    rings: Object.values(parts.rings),
    needs: [parts.cluster],
    checks: { store: () => store.trouble, drain: keeping.drain, ...probes.checks },
    listeners: {
      http: { routes },
      admin: { routes: originAdminRoutes({ ...admin, clock: runtime.clock, rings: parts.rings, steering }) },
    },
  })
  const seeding = seedStored(store, engine)
  const content = [
    ...[later.books, runtime.hashing.digester, store, backends, parts.urlParts, probes],
    ...[bring, urls, tasks, engine, seeding, later.work],
  ]
  return {
    ...shell.around([http, targets.http, ...content, ...shell.listeners, manager, keeping, asking, keeping.farewell]),
    engine,
    get url() {
      return shell.url('http')
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
