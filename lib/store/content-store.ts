import { appError, background, type Clock, type Random, type Timer } from '../base/index.ts'
import type { Digest, PieceMap } from '../core/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { BlobStore } from './blob-store.ts'
import { type CompleteBlobs, completeBlobs } from './complete-blobs.ts'
import { chooseVictims } from './eviction.ts'
import { keyedLock } from './keyed-lock.ts'
import { leases } from './leases.ts'
import type { Medium } from './medium.ts'
import { type PartialBlobs, partialBlobs } from './partial-blobs.ts'
import { type Space, type SpaceInit, space } from './space.ts'
import { storeMetrics } from './store-metrics.ts'
import { type Uploads, uploads } from './uploads.ts'

export interface StoreComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics?: Metrics | undefined
}

/** What every store needs to know; bytes and milliseconds. */
export interface StoreInit {
  /** Own bytes: complete, partial and uploads. */
  readonly capacityBytes: number
  /** Share of the capacity above which the store evicts. Default 0.9. */
  readonly highWatermark?: number | undefined
  /** Share of the capacity down to which it then evicts. Default 0.8. */
  readonly lowWatermark?: number | undefined
  /** Left free on the disk for everybody else. Default 512 MiB. */
  readonly minFreeBytes?: number | undefined
  /** An upload that nobody has used for this long is removed. Default one day. */
  readonly uploadIdleMs?: number | undefined
  /** Asked before a complete blob is evicted; an origin keeps what its backend does not have yet. Default: always. */
  readonly evictable?: ((digest: Digest) => boolean) | undefined
}

const MIB = 1024 * 1024
const DAY_MS = 24 * 60 * 60 * 1000
/** Idle uploads are looked for this often, or more often when they are short-lived. */
const SWEEP_INTERVAL_MS = 10 * 60 * 1000

/** The defaults of `init`, checked. @throws CONFIG_INVALID */
function spaceInit(init: StoreInit): SpaceInit {
  const { capacityBytes, highWatermark = 0.9, lowWatermark = 0.8, minFreeBytes = 512 * MIB } = init
  if (!(capacityBytes > 0) || !(lowWatermark > 0) || !(lowWatermark <= highWatermark) || !(highWatermark <= 1)) {
    throw appError('CONFIG_INVALID', {
      message: 'the store needs a capacity above 0 and 0 < lowWatermark <= highWatermark <= 1',
      detail: { capacityBytes, highWatermark, lowWatermark },
    })
  }
  return { capacityBytes, highWatermark, lowWatermark, minFreeBytes }
}

interface Parts {
  readonly books: Space
  readonly blobs: CompleteBlobs
  readonly partials: PartialBlobs
  readonly sessions: Uploads
}

/** The rules of a blob store over a medium. @throws CONFIG_INVALID */
export function contentStore(components: StoreComponents, init: StoreInit, medium: Medium): BlobStore {
  const { clock, logger } = components
  const { uploadIdleMs = DAY_MS, evictable = () => true } = init
  const limits = spaceInit(init)
  const metrics = storeMetrics(components.metrics)
  const now = () => clock.now()
  const locks = keyedLock()
  const kept = leases()
  let tasks = background(() => undefined)
  let sweepTimer: Timer | undefined
  let started = false

  const evict = async (bytes: number) => {
    const { blobs, partials } = parts
    const candidates = [...blobs.idle().filter(({ digest }) => evictable(digest)), ...partials.idle()]
    const free = candidates.filter(({ digest }) => !kept.held(digest))
    for (const { kind, digest, bytes: freed } of chooseVictims(free, bytes)) {
      if (kept.held(digest) || !(await (kind === 'blob' ? blobs : partials).evict(digest))) continue
      metrics?.evictions.with({ kind }).add()
      logger.info('evicted', { kind, digest, bytes: freed })
    }
  }

  const build = (): Parts => {
    const freeBytes = () => medium.freeBytes()
    const books = space({ clock, used: metrics?.used, freeBytes, evict }, limits)
    const blobs = completeBlobs({
      files: medium.blobs,
      locks,
      space: books,
      now,
      background: (name, work) => tasks.run(name, work),
      changed: (count) => metrics?.blobs.set(count),
    })
    const shared = { space: books, blobs, now }
    return {
      books,
      blobs,
      partials: partialBlobs({ ...shared, files: medium.partials, locks, leases: kept }),
      sessions: uploads({ ...shared, files: medium.uploads, random: components.random, logger }),
    }
  }
  const parts = build()
  const { books, blobs, partials, sessions } = parts

  const sweep = () => {
    sweepTimer = clock.setTimer(Math.min(uploadIdleMs, SWEEP_INTERVAL_MS), sweep, { background: true })
    tasks.run('remove idle uploads', () => sessions.sweep(uploadIdleMs))
  }

  const lifecycle = {
    async start() {
      if (started) return
      const inventory = await medium.start()
      books.open()
      blobs.restore(inventory.blobs)
      partials.restore(inventory.partials)
      sessions.restore(inventory.uploads)
      started = true
      tasks = background((name, err) => logger.warn('failed in the background', { task: name, err }))
      metrics?.capacity.set(limits.capacityBytes)
      await sessions.sweep(uploadIdleMs)
      sweepTimer = clock.setTimer(Math.min(uploadIdleMs, SWEEP_INTERVAL_MS), sweep, { background: true })
      logger.info('store is open', {
        blobs: inventory.blobs.length,
        partials: inventory.partials.length,
        uploads: inventory.uploads.length,
        usedBytes: books.usedBytes,
      })
    },
    async stop() {
      if (!started) return
      started = false
      sweepTimer?.cancel()
      await sessions.interrupt()
      books.close()
      await tasks.stop()
      await medium.stop()
    },
  }

  return {
    ...lifecycle,
    stat: async (digest) => blobs.stat(digest),
    open: (digest, options) => blobs.open(digest, options),
    readAt: (digest, range) => blobs.readAt(digest, range),
    list: async () => blobs.list(),
    delete: (digest) => blobs.delete(digest),
    lease: (digest) => kept.take(digest),
    createUpload: () => sessions.create(),
    upload: (id) => sessions.get(id),
    openPartial: (digest: Digest, map: PieceMap) => partials.open(digest, map),
    partials: async () => partials.list(),
    sidecar: (digest) => blobs.sidecar(digest),
    putSidecar: (digest, bytes) => books.write(0, () => blobs.putSidecar(digest, bytes)),
    get usedBytes() {
      return books.usedBytes
    },
  }
}
