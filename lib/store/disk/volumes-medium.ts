import { appError, codeOf, hasCode, isAbort, isAppError, singleFlight } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import type {
  BlobFiles,
  Inventory,
  Medium,
  PartialFile,
  PartialFiles,
  ReadHandle,
  UploadFiles,
  Volume,
} from '../medium.ts'
import { openBlobData } from './blob-files.ts'
import { chooseVolume } from './choose-volume.ts'
import { type DiskMediumComponents, type DiskMediumInit, diskMedium } from './disk-medium.ts'
import { mergeInventories } from './merge-inventories.ts'
import { storePaths } from './store-paths.ts'
import { readMark, writeMark } from './volume-marks.ts'
import { probeVolume } from './volume-probe.ts'

export interface VolumesMediumInit extends Omit<DiskMediumInit, 'folder'> {
  /** At least one. A folder is created when it is missing, unless another volume says that it existed before. */
  readonly folders: readonly string[]
  readonly minFreeBytes: number
}

/** Interval at which the free space of volumes without writes is measured. */
const LOOK_MS = 5_000

const notThere =
  'its folder is empty, though it was in use before; mount its disk, or start once without it in the list'

/** Sends each call to the volume that holds the item; leaves out broken volumes. */
class Volumes implements Medium {
  readonly volumes: readonly Volume[]
  readonly out = new Map<Volume, string>()
  readonly blobs: BlobFiles
  readonly partials: PartialFiles
  readonly uploads: UploadFiles
  readonly #components: DiskMediumComponents
  readonly #init: VolumesMediumInit
  readonly #media: ReadonlyMap<Volume, Medium>
  readonly #places = new Map<string, Volume>()
  readonly #free = new Map<Volume, number>()
  readonly #probes = singleFlight<Volume, string | undefined>()
  #minFreeBytes: number
  #lookedAtMs = 0
  #listeners: ((volume: Volume) => void)[] = []

  constructor(components: DiskMediumComponents, init: VolumesMediumInit) {
    this.#components = components
    this.#init = init
    this.#minFreeBytes = init.minFreeBytes
    this.volumes = init.folders
    const openBlob = (digest: Digest) => openBlobData(storePaths(this.#place(digest)), digest)
    this.#media = new Map(
      init.folders.map((folder) => [folder, diskMedium({ ...components, openBlob }, { ...init, folder })]),
    )
    this.blobs = this.#blobFiles()
    this.partials = this.#partialFiles()
    this.uploads = this.#uploadFiles()
  }

  async start(): Promise<Inventory> {
    this.out.clear()
    this.#places.clear()
    const marks = await this.#marks()
    const found: { readonly volume: Volume; readonly inventory: Inventory }[] = []
    try {
      for (const [volume, medium] of this.#media) {
        const isMissing = !marks.has(volume) && [...marks.values()].some((mark) => mark.includes(volume))
        const inventory = await this.#startOne(volume, medium, isMissing)
        if (inventory !== undefined) found.push({ volume, inventory })
      }
      if (found.length === 0) throw appError('CONFIG_INVALID', { message: `no volume works: ${this.#reasons()}` })
      for (const { volume } of found) await writeMark(volume, this.#init.folders)
    } catch (err) {
      await this.stop()
      throw err
    }
    const { merged, doubles } = mergeInventories(found.map(({ inventory }) => inventory))
    for (const { digest, volume } of doubles.blobs) await this.#medium(volume).blobs.remove(digest)
    for (const { digest, volume } of doubles.partials) await this.#medium(volume).partials.remove(digest)
    for (const { digest, volume } of merged.blobs) this.#places.set(digest, volume)
    for (const { digest, volume } of merged.partials) this.#places.set(`partial ${digest}`, volume)
    for (const { id, volume } of merged.uploads) this.#places.set(`upload ${id}`, volume)
    await this.#look()
    return merged
  }

  async stop(): Promise<void> {
    for (const [volume, medium] of this.#media) {
      await medium.stop().catch((err: unknown) => {
        if (!this.out.has(volume)) throw err
      })
    }
  }

  freeBytes(volume: Volume): Promise<number> {
    return this.#on(volume, async (medium) => {
      const bytes = await medium.freeBytes(volume)
      this.#free.set(volume, bytes)
      return bytes
    })
  }

  choose(key: string): Volume {
    const nowMs = this.#components.clock.monotonicMs()
    if (nowMs - this.#lookedAtMs >= LOOK_MS) this.#look().catch(() => undefined)
    const rooms = this.#working().map((volume) => ({
      volume,
      bytes: (this.#free.get(volume) ?? 0) - this.#minFreeBytes,
    }))
    const chosen = chooseVolume(key, rooms)
    if (chosen === undefined) throw appError('STORE_FULL', { message: `no volume works: ${this.#reasons()}` })
    return chosen
  }

  keepFree(bytes: number): void {
    this.#minFreeBytes = bytes
  }

  onLost(listener: (volume: Volume) => void): void {
    this.#listeners = [...this.#listeners, listener]
  }

  /** The volume lists that the readable volumes contain. */
  async #marks(): Promise<ReadonlyMap<Volume, readonly string[]>> {
    const marks = new Map<Volume, readonly string[]>()
    for (const volume of this.#media.keys()) {
      const mark = await readMark(volume).catch(() => undefined)
      if (mark !== undefined) marks.set(volume, mark)
    }
    return marks
  }

  async #startOne(volume: Volume, medium: Medium, isMissing: boolean): Promise<Inventory | undefined> {
    let reason = notThere
    try {
      if (!isMissing) return await medium.start()
    } catch (err) {
      // Another process uses it: a mistake in the config, not a broken disk.
      if (hasCode(err, 'CONFIG_INVALID')) throw err
      reason = codeOf(err) ?? 'UNKNOWN'
    }
    this.out.set(volume, reason)
    this.#components.logger.error('a volume is left out', { volume, reason })
    return undefined
  }

  #working(): readonly Volume[] {
    return [...this.#media.keys()].filter((volume) => !this.out.has(volume))
  }

  #reasons(): string {
    return [...this.out].map(([volume, reason]) => `${volume}: ${reason}`).join('; ')
  }

  async #look(): Promise<void> {
    this.#lookedAtMs = this.#components.clock.monotonicMs()
    await Promise.allSettled(this.#working().map((volume) => this.freeBytes(volume)))
  }

  #medium(volume: Volume): Medium {
    const medium = this.#media.get(volume)
    if (medium === undefined || this.out.has(volume)) {
      throw appError('BLOB_UNKNOWN', { message: 'the volume with the data is broken', detail: { volume } })
    }
    return medium
  }

  #place(key: string): Volume {
    const volume = this.#places.get(key)
    if (volume === undefined) throw appError('BLOB_UNKNOWN')
    return volume
  }

  /** Runs `work` on the volume; a failure that the disk may have caused triggers a check of the disk. */
  async #on<T>(volume: Volume, work: (medium: Medium) => Promise<T>): Promise<T> {
    const medium = this.#medium(volume)
    try {
      return await work(medium)
    } catch (err) {
      if (!isAbort(err) && (!isAppError(err) || hasCode(err, 'BLOB_UNKNOWN'))) await this.#suspect(volume)
      throw err
    }
  }

  async #suspect(volume: Volume): Promise<void> {
    const reason = await this.#probes.run(volume, () => probeVolume(volume))
    if (reason === undefined || this.out.has(volume)) return
    this.out.set(volume, reason)
    for (const listener of this.#listeners) listener(volume)
  }

  #blobFiles(): BlobFiles {
    const on = <T>(digest: Digest, work: (files: BlobFiles) => Promise<T>) =>
      this.#on(this.#place(digest), ({ blobs }) => work(blobs))
    return {
      open: async (digest) => this.#watched(this.#place(digest), await on(digest, (files) => files.open(digest))),
      readAt: async (digest, range, into) => on(digest, (files) => files.readAt(digest, range, into)),
      remove: async (digest) => {
        await on(digest, (files) => files.remove(digest))
        this.#places.delete(digest)
      },
      touch: async (digest, file, atMs) => on(digest, (files) => files.touch(digest, file, atMs)),
      sidecar: async (digest, name) => on(digest, (files) => files.sidecar(digest, name)),
      putSidecar: async (digest, name, bytes) => on(digest, (files) => files.putSidecar(digest, name, bytes)),
      dropSidecar: async (digest, name) => on(digest, (files) => files.dropSidecar(digest, name)),
    }
  }

  #watched<H extends ReadHandle>(volume: Volume, handle: H): H {
    return { ...handle, read: (range, into) => this.#on(volume, () => handle.read(range, into)) }
  }

  #uploadFiles(): UploadFiles {
    const place = (id: string) => this.#place(`upload ${id}`)
    const on = <T>(id: string, work: (files: UploadFiles) => Promise<T>) =>
      this.#on(place(id), ({ uploads }) => work(uploads))
    return {
      create: async (id, volume, usedAtMs) => {
        await this.#on(volume, ({ uploads }) => uploads.create(id, volume, usedAtMs))
        this.#places.set(`upload ${id}`, volume)
      },
      open: async (id) => {
        const volume = place(id)
        const handle = this.#watched(volume, await on(id, (files) => files.open(id)))
        return { ...handle, write: (bytes, position) => this.#on(volume, () => handle.write(bytes, position)) }
      },
      promote: async (id, digest, usedAtMs, beside) => {
        this.#places.set(digest, place(id))
        const written = await on(id, (files) => files.promote(id, digest, usedAtMs, beside))
        this.#places.delete(`upload ${id}`)
        return written
      },
      remove: async (id) => {
        if (!this.out.has(place(id))) await on(id, (files) => files.remove(id))
        this.#places.delete(`upload ${id}`)
      },
    }
  }

  #partialFiles(): PartialFiles {
    return {
      open: async (digest, map, volume) => {
        const file = await this.#on(volume, ({ partials }) => partials.open(digest, map, volume))
        this.#places.set(`partial ${digest}`, volume)
        return this.#watchedPartial(digest, volume, file)
      },
      remove: async (digest) => {
        const volume = this.#place(`partial ${digest}`)
        if (!this.out.has(volume)) await this.#on(volume, ({ partials }) => partials.remove(digest))
        this.#places.delete(`partial ${digest}`)
      },
    }
  }

  #watchedPartial(digest: Digest, volume: Volume, file: PartialFile): PartialFile {
    const on = <T>(work: () => Promise<T>) => this.#on(volume, work)
    return {
      found: file.found,
      hashOf: (piece) => file.hashOf(piece),
      write: (piece, bytes, hash) => on(() => file.write(piece, bytes, hash)),
      read: (range, into) => on(() => file.read(range, into)),
      touch: (usedAtMs) => on(() => file.touch(usedAtMs)),
      promote: async (usedAtMs) => {
        // Set before the move, because readers may need the blob during it.
        this.#places.set(digest, volume)
        await on(() => file.promote(usedAtMs))
        this.#places.delete(`partial ${digest}`)
      },
      retire: () => on(() => file.retire()),
      remove: async () => {
        if (!this.out.has(volume)) await on(() => file.remove())
        this.#places.delete(`partial ${digest}`)
      },
    }
  }
}

/** Keeps the bytes in several folders, each on its own disk. @throws CONFIG_INVALID when none of them works */
export function volumesMedium(components: DiskMediumComponents, init: VolumesMediumInit): Medium {
  return new Volumes(components, init)
}
