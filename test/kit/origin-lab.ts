import type { Readable } from 'node:stream'
import { type Backend, type Durability, memoryBackend } from '../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, hasCode, seededRandom } from '../../lib/base/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import { type BlobRef, type Digest, wholeRange } from '../../lib/core/index.ts'
import { type JournalStorage, memoryStorage } from '../../lib/journal/index.ts'
import { blockHashing, inlineDigester } from '../../lib/metainfo/index.ts'
import { type ManagedStore, memoryStore, type StoredBlob } from '../../lib/store/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { fillPace } from '../../services/origin/bring/fill-pace.ts'
import { type IngestComponents, ingest } from '../../services/origin/bring/ingest.ts'
import type { Ingest, IngestInspection } from '../../services/origin/bring/ingest-contract.ts'
import { type Misses, misses } from '../../services/origin/bring/misses.ts'
import { type Refusals, refusals } from '../../services/origin/bring/refusals.ts'
import { sourceKeys } from '../../services/origin/bring/source-keys.ts'
import { condemnedBlobs } from '../../services/origin/garbage/condemned.ts'
import { placement, pushes } from '../../services/origin/push/placement.ts'
import { uploadQuota, uploadRefusals } from '../../services/origin/push/upload-quota.ts'
import { type UploadSessions, uploadSessions } from '../../services/origin/push/upload-sessions.ts'
import { type WriteBack, writeBack } from '../../services/origin/push/write-back.ts'
import { writeBackExecutor } from '../../services/origin/push/write-back-task.ts'
import type { Siblings } from '../../services/origin/ring/siblings.ts'
import { clusterOf, someMembers } from './cluster.ts'
import { type FaultyBackend, faultyBackend } from './faulty-backend.ts'
import { silentSeed } from './silent-seed.ts'
import { type WatchedBackend, watchedBackend } from './watched-backend.ts'

/** Blocks of memory are handed on from one lab to the next: properties make labs by the thousand. */
const hashing = blockHashing(inlineDigester())

/** The rules of one origin without listeners: it calls the objects of the other origins directly. */
export interface LabOrigin {
  readonly id: string
  readonly store: ManagedStore
  readonly ingest: Ingest & IngestInspection
  readonly uploads: UploadSessions
  readonly writeBack: WriteBack
  readonly cluster: Cluster
  /** Payload bytes received, by source. */
  readonly received: Readonly<Record<'backend' | 'origin', number>>
  /** Bytes of them that nobody had asked for, and blobs given up because nobody wanted them. */
  readonly unasked: { readonly filled: number; readonly unwanted: number }
  /** The next read of another origin from it fails, as when a connection breaks off. */
  failNextRead(): void
  /** From now on calls to it and its answers fail, as with a dead process; its data stays. */
  kill(): Promise<void>
  /** It answers again, with the same data. */
  restart(): void
}

export interface OriginLab {
  readonly origins: readonly LabOrigin[]
  readonly backend: FaultyBackend
  /** The same backend as the origins see it; its reads are watched byte by byte. */
  readonly watched: WatchedBackend
  readonly inner: Backend
  readonly clock: FakeClock
  origin(id: string): LabOrigin
}

export interface OriginLabInit {
  readonly count: number
  readonly replicas: number
  /** Wraps the backend as the origins see it. */
  readonly wrapBackend?: (backend: Backend) => Backend
  /** As `MemoryBackendInit.unitBytes`. */
  readonly unitBytes?: number | undefined
  /** As `FillPaceInit.bytesPerSecond`. */
  readonly fillBytesPerSecond?: number | undefined
  /** Told of peers that want something of what an origin brings; default: nobody does. */
  readonly seedArriving?: IngestComponents['seedArriving'] | undefined
  /** As `MemoryBackendInit.runBytes`. */
  readonly runBytes?: number | undefined
  /** Default `backend`: then nothing waits and the journals need not be started. */
  readonly durability?: Durability
  /** Bytes that may wait for the backend at each origin; default: no limit. */
  readonly maxWaitingBytes?: number
  /** Storage for the journal of an origin; default: in memory. */
  readonly journalFor?: (id: string) => JournalStorage
  /** The other origins as one origin reaches them; default: without faults. */
  readonly siblingsFor?: (id: string, siblings: Siblings) => Siblings
  /** The cluster as one origin sees it; default: every member is healthy until a call fails. */
  readonly clusterFor?: (id: string) => Cluster
}

/** A blob that nobody wants is given up after this, milliseconds. */
export const idleMs = 30_000

/** Delay of the second owner's task, milliseconds. */
export const spareDelayMs = 60_000
export const writeBackRetry = { baseMs: 1000, maxMs: 300_000, attempts: 1000 }

/** Several origins that share one backend in memory. */
export function originLab(init: OriginLabInit): OriginLab {
  const clock = fakeClock()
  const members = someMembers(init.count)
  const inner = memoryBackend(init)
  const backend = faultyBackend(inner)
  const watched = watchedBackend(backend.backend)
  const seen = init.wrapBackend?.(watched.backend) ?? watched.backend
  const dead = new Set<string>()
  const failing = new Set<string>()
  const origins: LabOrigin[] = []

  const origin = (id: string): LabOrigin => {
    const found = origins.find((each) => each.id === id)
    // As where no process listens.
    const cause = { code: 'ECONNREFUSED' }
    if (found === undefined || dead.has(id)) throw appError('PEER_CLOSED', { detail: { member: id }, cause })
    return found
  }

  /** Bodies that each origin is sending; they break when the origin dies. */
  const bodies = new Map<string, Set<Readable>>(members.map(({ id }) => [id, new Set()]))
  const sent = (id: string, body: Readable): Readable => {
    const own = bodies.get(id)
    own?.add(body)
    body.once('close', () => own?.delete(body))
    return body
  }

  const missing = new Map<string, Misses>()
  const siblings: Siblings = {
    async read(member, blob, { range, priority, signal } = {}) {
      if (failing.delete(member.id)) throw appError('PEER_CLOSED', { detail: { member: member.id } })
      const { size, read } = await origin(member.id).ingest.open(blob, { hop: true, signal })
      origin(member.id)
      const { standsAlone } = range ?? {}
      const body = await read(range ?? wholeRange(size), { priority, standsAlone, signal })
      return { size, body: sent(member.id, body) }
    },
    async size(member, blob, { signal } = {}) {
      try {
        return await origin(member.id).ingest.size(blob, { hop: true, signal })
      } catch (err) {
        if (hasCode(err, 'BLOB_UNKNOWN')) return undefined
        throw err
      }
    },
    async holding(member, blob, options) {
      const holding = await origin(member.id).ingest.holding(blob, options)
      return { ...holding, keeps: holding.verified }
    },
    async readHeld(member, blob, { range, signal }) {
      const body = await origin(member.id).ingest.openHeld(blob, range, { signal })
      return { size: range.end - range.start, body: sent(member.id, body) }
    },
    async put(member, blob, { size, body }, { rank } = {}) {
      const { store, writeBack: later } = origin(member.id)
      const upload = await store.createUpload()
      await upload.append(body, { offset: 0 })
      const commit = () => upload.commit(blob.digest)
      await (rank === undefined ? commit() : later.keep({ blob, size, rank }, commit))
      missing.get(member.id)?.clear(blob)
      origin(member.id)
    },
  }

  const labOrigin = (id: string): LabOrigin => {
    const cluster = init.clusterFor?.(id) ?? clusterOf(members, { replicas: init.replicas, clock })
    const store = memoryStore(
      { clock, random: seededRandom(id.length), logger: silentLogger(), hashing },
      { capacityBytes: 1e9 },
    )
    const backends = { backendFor: () => seen }
    const keys = sourceKeys(backends)
    const refused: Refusals = refusals(clock, keys)
    const owns = (digest: Digest) => cluster.owners(digest).some((owner) => owner.id === id)
    const own = misses({ clock, keys, owns })
    missing.set(id, own)
    const shared = {
      refusals: refused,
      condemned: condemnedBlobs({ clock, random: seededRandom(id.length) }),
      store,
      hashing,
      cluster,
      siblings: init.siblingsFor?.(id, siblings) ?? siblings,
      backends,
      keys,
      logger: silentLogger(),
      misses: own,
      onStored: (blob: BlobRef, _stored: StoredBlob) => own.clear(blob),
      seedArriving: init.seedArriving ?? silentSeed,
      clock,
      random: seededRandom(id.length),
    }
    const self = { memberId: id }
    const received = { backend: 0, origin: 0 }
    const onReceived = (from: 'backend' | 'origin', bytes: number) => {
      received[from] += bytes
    }
    const unasked = { filled: 0, unwanted: 0 }
    const onFilled = (bytes: number) => {
      unasked.filled += bytes
    }
    const onUnwanted = () => {
      unasked.unwanted += 1
    }
    const fill = fillPace(clock, { bytesPerSecond: init.fillBytesPerSecond, onFilled })
    const startIngest = () => ingest({ ...shared, onReceived, fill, onUnwanted }, { ...self, idleMs })
    let bring = startIngest()
    const onSent = () => undefined
    const later = writeBack(
      {
        ...shared,
        metrics: silentMetrics(),
        storage: init.journalFor?.(id) ?? memoryStorage(),
        executor: writeBackExecutor(
          { ...shared, ingest: { ensure: (...args) => bring.ensure(...args) }, onSent },
          self,
        ),
      },
      { maxWaitingBytes: init.maxWaitingBytes ?? 1e9, spareDelayMs, concurrency: 4, retry: writeBackRetry },
    )
    const durability = init.durability ?? 'backend'
    const place = placement(
      { ...shared, onSent, writeBack: later, durabilityOf: () => durability, pushes: pushes(silentMetrics()) },
      self,
    )
    const quota = uploadQuota(
      { store, refused: uploadRefusals(silentMetrics()) },
      { maxUploads: 100, maxBytes: Number.POSITIVE_INFINITY, clientShare: 1 },
    )
    const names = { labelOf: () => Buffer.from('a label') }
    const uploads = uploadSessions({ ...shared, names, placement: place, quota, onReceived: () => undefined })
    const kill = async () => {
      dead.add(id)
      for (const body of bodies.get(id) ?? []) body.destroy(appError('PEER_CLOSED', { detail: { member: id } }))
      await later.books.stop()
      await bring.stop()
    }
    const restart = () => {
      dead.delete(id)
      bring = startIngest()
    }
    return {
      ...{ id, store, uploads, cluster, received, unasked, kill, restart },
      failNextRead: () => void failing.add(id),
      writeBack: later,
      get ingest() {
        return bring
      },
    }
  }

  for (const { id } of members) origins.push(labOrigin(id))
  return { origins, backend, watched, inner, clock, origin }
}
