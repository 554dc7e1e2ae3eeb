import type { FileHandle } from 'node:fs/promises'
import { type Background, type Bitset, type Clock, type Timer, writeFully } from '../../base/index.ts'
import type { ByteRange, Digest, PieceMap } from '../../core/index.ts'
import type { PartialFile } from '../medium.ts'
import { noteUse } from './blob-files.ts'
import { moveDurably, openData, readRange, removeFolder } from './durable.ts'
import type { IdleHandle, IdleHandles } from './idle-handles.ts'
import type { PieceLog } from './piece-log.ts'
import { type PieceLogFile, pieceLogFile } from './piece-log-file.ts'
import type { StorePaths } from './store-paths.ts'

export interface DiskPartial extends PartialFile {
  /** Syncs every piece written so far, so that it survives a power loss. */
  flush(): Promise<void>
}

export interface DiskPartialEnvironment {
  readonly paths: StorePaths
  readonly clock: Clock
  readonly handles: IdleHandles
  /** Opens the complete blob with that digest, on whichever volume it is. */
  readonly openBlob: (digest: Digest) => Promise<FileHandle>
  readonly tasks: () => Background
  /** Called once, when this is no longer a partial. */
  readonly ended: (partial: DiskPartial) => void
}

export interface DiskPartialTiming {
  /** Written data is synced when there are this many bytes of it, */
  readonly syncBytes: number
  /** and at the latest after this time, in milliseconds. */
  readonly syncMs: number
}

export interface DiskPartialInit extends DiskPartialTiming {
  readonly digest: Digest
  readonly map: PieceMap
  readonly log: PieceLog
  readonly found: Bitset
}

class FolderPartial implements DiskPartial {
  readonly found: Bitset
  readonly #environment: DiskPartialEnvironment
  readonly #init: DiskPartialInit
  readonly #data: IdleHandle
  readonly #records: IdleHandle
  readonly #logFile: PieceLogFile
  #isBlob = false
  #ended = false
  /** Pieces whose data is not synced yet, so a power loss may destroy it. */
  #unsynced: number[]
  #unsyncedBytes = 0
  #timer: Timer | undefined
  #syncing: Promise<void> = Promise.resolve()

  constructor(environment: DiskPartialEnvironment, init: DiskPartialInit) {
    const { paths, handles, openBlob } = environment
    const own = paths.partial(init.digest)
    this.found = init.found
    this.#environment = environment
    this.#init = init
    this.#unsynced = init.log.pieces('written')
    this.#data = handles.handle(() => (this.#isBlob ? openBlob(init.digest) : openData(own.data, 'r+')))
    this.#records = handles.handle(() => openData(own.map, 'r+'))
    this.#logFile = pieceLogFile(init.log, this.#records)
  }

  async write(piece: number, bytes: Uint8Array, hash: Uint8Array): Promise<void> {
    const { map, log } = this.#init
    await this.#data.use((handle) => writeFully(handle, bytes, map.rangeOf(piece).start))
    log.set(piece, 'written', hash)
    await this.#logFile.save([piece])
    this.#noteUnsynced(piece, bytes.length)
  }

  hashOf(piece: number): Uint8Array {
    return this.#init.log.hash(piece)
  }

  read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array> {
    return this.#data.use((handle) => readRange(handle, range, into))
  }

  async touch(usedAtMs: number): Promise<void> {
    await this.flush()
    if (!this.#ended) await noteUse(this.#environment.paths.partial(this.#init.digest).map, usedAtMs)
  }

  flush(): Promise<void> {
    this.#syncing = this.#syncing.catch(() => undefined).then(() => this.#sync())
    return this.#syncing
  }

  async promote(usedAtMs: number): Promise<void> {
    const { paths } = this.#environment
    const own = paths.partial(this.#init.digest)
    const blob = paths.blob(this.#init.digest)
    await this.#data.use((handle) => handle.sync())
    await moveDurably(own.data, blob.data)
    this.#isBlob = true
    await this.#end()
    await removeFolder(own.folder)
    await noteUse(blob.data, usedAtMs)
  }

  async retire(): Promise<void> {
    await this.remove()
    this.#isBlob = true
  }

  async remove(): Promise<void> {
    await this.#end()
    await this.#data.close()
    await removeFolder(this.#environment.paths.partial(this.#init.digest).folder)
  }

  /** After this, nothing is written to the folder. */
  async #end(): Promise<void> {
    this.#ended = true
    this.#timer?.cancel()
    await this.#syncing.catch(() => undefined)
    this.#environment.ended(this)
    await this.#records.close()
  }

  async #sync(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#ended || this.#unsynced.length === 0) return
    const pieces = this.#unsynced
    this.#unsynced = []
    this.#unsyncedBytes = 0
    try {
      await this.#data.use((handle) => handle.datasync())
    } catch (err) {
      this.#unsynced = [...pieces, ...this.#unsynced]
      throw err
    }
    for (const piece of pieces) this.#init.log.set(piece, 'synced')
    await this.#logFile.save(pieces)
  }

  #noteUnsynced(piece: number, bytes: number) {
    this.#unsynced.push(piece)
    this.#unsyncedBytes += bytes
    const flush = () => this.#environment.tasks().run('sync a partial blob', () => this.flush())
    if (this.#unsyncedBytes >= this.#init.syncBytes) {
      this.#unsyncedBytes = 0
      flush()
    } else this.#timer ??= this.#environment.clock.setTimer(this.#init.syncMs, flush, { background: true })
  }
}

/** One partial blob in its folder. */
export function diskPartial(environment: DiskPartialEnvironment, init: DiskPartialInit): DiskPartial {
  return new FolderPartial(environment, init)
}
