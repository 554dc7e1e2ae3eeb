import { background, type Clock, keyedLock, type Random, type Timer } from '../base/index.ts'
import type { ByteRange, Digest, PieceMap } from '../core/index.ts'
import { blockHashing, type Hashing, inlineDigester } from '../metainfo/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'
import type { CompleteBlobs } from './blob-facets.ts'
import type { ReadOptions, SidecarName } from './blob-store.ts'
import { completeBlobs } from './complete-blobs.ts'
import { evictor } from './evictor.ts'
import { leases } from './leases.ts'
import type { ManagedStore } from './managed-store.ts'
import { measuredMedium } from './measured-medium.ts'
import type { Medium, Volume } from './medium.ts'
import { type PartialTable, partialTable } from './partial-table.ts'
import { type Space, space } from './space.ts'
import { spaceInit } from './space-init.ts'
import { type StoreMetrics, storeMetrics } from './store-metrics.ts'
import type { ChangingLimits, Hold, KeptBlob, StoreLimits } from './upkeep.ts'
import { type Uploads, uploads } from './uploads.ts'

export interface StoreComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics?: Metrics | undefined
  /** Hashes what is uploaded. Start it before the store. Default: hashes on the event loop. */
  readonly hashing?: Hashing | undefined
}

/** Settings of every store; sizes in bytes, times in milliseconds. */
export interface StoreInit {
  /** Most bytes that the store may use: complete blobs, partials and uploads. */
  readonly capacityBytes: number
  /** Share of the capacity above which the store evicts. Default 0.9. */
  readonly highWatermark?: number | undefined
  /** An eviction goes on until the store is below this share of the capacity. Default 0.8. */
  readonly lowWatermark?: number | undefined
  /** Bytes that the store leaves free on the disk. Default 512 MiB. */
  readonly minFreeBytes?: number | undefined
  /** An upload that nobody has used for this long is removed. Default two hours. */
  readonly uploadIdleMs?: number | undefined
  /**
   * Asked before a complete blob is evicted, for several blobs at a time; writers wait for the answer. A failure counts
   * as no. An origin uses it to keep blobs that nobody else has. Default: always.
   */
  readonly evictable?: ((digest: Digest) => boolean | Promise<boolean>) | undefined
}

const UPLOAD_IDLE_MS = 2 * 60 * 60 * 1000
/** Interval of the search for idle uploads; the search runs more often when uploads expire sooner. */
const SWEEP_INTERVAL_MS = 10 * 60 * 1000

/** The rules of a blob store, on top of a medium. */
class ContentStore implements ManagedStore, StoreLimits {
  readonly #components: StoreComponents
  readonly #medium: Medium
  readonly #metrics: StoreMetrics | undefined
  #uploadIdleMs: number
  #init: StoreInit
  #capacityBytes: number
  readonly #leases = leases()
  readonly #space: Space
  readonly #blobs: CompleteBlobs
  readonly #partials: PartialTable
  readonly #uploads: Uploads
  readonly #goneListeners: ((digest: Digest) => void)[] = []
  #tasks = background(() => undefined)
  #sweepTimer: Timer | undefined
  #started = false

  constructor(components: StoreComponents, init: StoreInit, medium: Medium) {
    const { clock, random, logger, hashing = blockHashing(inlineDigester()) } = components
    const limits = spaceInit(init)
    const locks = keyedLock()
    const now = () => clock.now()
    this.#components = components
    this.#medium = medium
    this.#metrics = storeMetrics(components.metrics)
    this.#uploadIdleMs = init.uploadIdleMs ?? UPLOAD_IDLE_MS
    this.#init = init
    this.#capacityBytes = limits.capacityBytes
    const freeBytes = (volume: Volume) => medium.freeBytes(volume)
    const makeRoom = (bytes: number, volume?: Volume) => evict(bytes, volume)
    const { used, refused } = this.#metrics ?? {}
    this.#space = space({ clock, used, refused, freeBytes, evict: makeRoom }, limits)
    const choose = (key: string) => medium.choose(key)
    const shared = { space: this.#space, locks, now, choose }
    this.#blobs = completeBlobs({
      ...shared,
      files: medium.blobs,
      background: (name, work) => this.#tasks.run(name, work),
      gone: (digest) => this.#tellGone(digest),
      changed: (count, pinnedBytes) => {
        this.#metrics?.blobs.set(count)
        this.#metrics?.pinned.set(pinnedBytes)
      },
    })
    const blobs = this.#blobs
    // A part that is left beside the whole is nobody's loss.
    const gone = (digest: Digest) => {
      if (blobs.stat(digest) === undefined) this.#tellGone(digest)
    }
    this.#partials = partialTable({ ...shared, blobs, gone, files: medium.partials, leases: this.#leases })
    const changed = (count: number) => this.#metrics?.uploads.set(count)
    this.#uploads = uploads({ ...shared, blobs, hashing, files: medium.uploads, random, logger, changed })
    const evict = evictor({
      ...{ clock, logger, metrics: this.#metrics, leases: this.#leases, evictable: init.evictable ?? (() => true) },
      ...{ blobs, partials: this.#partials, uploads: this.#uploads },
    })
    medium.onLost((volume) => this.#tasks.run('forget a lost volume', () => this.#lose(volume)))
  }

  setLimits(changed: ChangingLimits): void {
    const all = { ...this.#init, ...changed }
    const init = spaceInit(all)
    this.#init = all
    this.#space.setInit(init)
    this.#medium.keepFree?.(init.minFreeBytes)
    this.#capacityBytes = init.capacityBytes
    if (this.#started) this.#metrics?.capacity.set(init.capacityBytes)
    if (changed.uploadIdleMs === undefined) return
    this.#uploadIdleMs = changed.uploadIdleMs
    this.#sweepTimer?.cancel()
    if (this.#started) this.#planSweep()
  }

  get usedBytes() {
    return this.#space.usedBytes
  }

  get trouble() {
    const reasons = [...this.#medium.out].map(([volume, reason]) => `volume ${volume} is out: ${reason}`)
    // What is full of abandoned uploads is not full: the next write removes them.
    if (this.#space.isFull && this.#uploads.idle().length === 0)
      reasons.push('writes are refused: there is no room, and nothing may be evicted')
    return reasons.length === 0 ? undefined : reasons.join('; ')
  }

  async start(): Promise<void> {
    if (this.#started) return
    const { logger } = this.#components
    const found = await this.#medium.start()
    this.#started = true
    this.#tasks = background((task, err) => logger.warn('failed in the background', { task, err }))
    this.#metrics?.capacity.set(this.#capacityBytes)
    this.#space.open()
    this.#blobs.restore(found.blobs)
    this.#partials.restore(found.partials)
    this.#uploads.restore(found.uploads)
    await this.#uploads.sweep(this.#uploadIdleMs)
    this.#planSweep()
    const counts = { blobs: found.blobs.length, partials: found.partials.length, uploads: found.uploads.length }
    logger.info('store is open', { ...counts, usedBytes: this.usedBytes })
  }

  async stop(): Promise<void> {
    if (!this.#started) return
    this.#started = false
    this.#sweepTimer?.cancel()
    await this.#uploads.interrupt()
    this.#space.close()
    await this.#tasks.stop()
    try {
      await this.#partials.save()
    } finally {
      await this.#medium.stop()
    }
  }

  async stat(digest: Digest) {
    return this.#blobs.stat(digest)
  }

  open(digest: Digest, options?: ReadOptions) {
    return this.#blobs.open(digest, options)
  }

  readAt(digest: Digest, range: ByteRange, into?: Uint8Array) {
    return this.#blobs.readAt(digest, range, into)
  }

  async list() {
    return this.#blobs.list()
  }

  onGone(listener: (digest: Digest) => void) {
    this.#goneListeners.push(listener)
  }

  delete(digest: Digest) {
    return this.#blobs.delete(digest)
  }

  evict(digest: Digest) {
    return this.#blobs.evict(digest, () => !this.#leases.held(digest))
  }

  lease(digest: Digest) {
    return this.#leases.take(digest)
  }

  createUpload() {
    return this.#uploads.create()
  }

  upload(id: string) {
    return this.#uploads.get(id)
  }

  openUploads() {
    return this.#uploads.list()
  }

  evictUpload(id: string) {
    return this.#uploads.evict(id)
  }

  openPartial(digest: Digest, map: PieceMap) {
    return this.#partials.open(digest, map)
  }

  async partials() {
    return this.#partials.list()
  }

  async dropPartial(digest: Digest) {
    if (!this.#partials.list().some((partial) => partial.digest === digest)) return true
    return !this.#leases.held(digest) && this.#partials.evict(digest)
  }

  sidecar(digest: Digest, name: SidecarName) {
    return this.#blobs.sidecar(digest, name)
  }

  putSidecar(digest: Digest, name: SidecarName, bytes: Uint8Array) {
    return this.#beside(digest, () => this.#blobs.putSidecar(digest, name, bytes))
  }

  inspect(): readonly KeptBlob[] {
    const all = this.#blobs.list().map(({ digest }) => this.look(digest))
    return all.filter((blob) => blob !== undefined).sort((a, b) => (a.digest < b.digest ? -1 : 1))
  }

  look(digest: Digest): KeptBlob | undefined {
    const found = this.#blobs.inspect(digest)
    if (found === undefined) return undefined
    const { size, usedAtMs, verifiedAtMs, pinned, inUse } = found
    const holds: Hold[] = []
    if (pinned) holds.push('pinned')
    if (this.#leases.held(digest)) holds.push('leased')
    if (inUse) holds.push('in use')
    return { digest, size, usedAtMs, verifiedAtMs, holds }
  }

  pin(digest: Digest, pinned: boolean) {
    return this.#beside(digest, () => this.#blobs.pin(digest, pinned))
  }

  peek(digest: Digest, range: ByteRange) {
    return this.#blobs.peek(digest, range)
  }

  noteVerified(digest: Digest) {
    return this.#blobs.noteVerified(digest)
  }

  /** Writes a small file beside a blob. */
  async #beside(digest: Digest, work: () => Promise<void>): Promise<void> {
    const { volume } = this.#blobs.inspect(digest) ?? { volume: this.#medium.choose(digest) }
    await this.#space.write(0, volume, work)
  }

  #tellGone(digest: Digest) {
    for (const listener of this.#goneListeners) listener(digest)
  }

  async #lose(volume: Volume): Promise<void> {
    this.#components.logger.error('a volume is lost; its blobs are fetched again when needed', { volume })
    this.#blobs.forget(volume)
    await Promise.all([this.#partials.forget(volume), this.#uploads.forget(volume)])
  }

  #planSweep() {
    const sweep = () => {
      this.#tasks.run('remove idle uploads', () => this.#uploads.sweep(this.#uploadIdleMs))
      this.#planSweep()
    }
    const intervalMs = Math.min(this.#uploadIdleMs, SWEEP_INTERVAL_MS)
    this.#sweepTimer = this.#components.clock.setTimer(intervalMs, sweep, { background: true })
  }
}

/** @throws CONFIG_INVALID when the limits make no sense */
export function contentStore(components: StoreComponents, init: StoreInit, medium: Medium): ManagedStore & StoreLimits {
  const { metrics } = components
  return new ContentStore(components, init, metrics === undefined ? medium : measuredMedium(metrics, medium))
}
