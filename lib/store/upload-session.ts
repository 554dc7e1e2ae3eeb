import type { Readable } from 'node:stream'
import { abortController, anySignal, appError, copyBytes, hasCode, throwIfAborted } from '../base/index.ts'
import { type Digest, type DigestAlgorithm, digestAlgorithm, wholeRange } from '../core/index.ts'
import type { Hashing } from '../metainfo/index.ts'
import { type Batch, batches } from './batches.ts'
import type { CompleteBlobs } from './blob-facets.ts'
import type { AppendOptions, CommitOptions, CommittedBlob, ReadOptions, SidecarName, Upload } from './blob-store.ts'
import { checkedRange } from './checked-range.ts'
import type { BesideBlob, FoundUpload, UploadFiles, UploadHandle, Volume } from './medium.ts'
import { rangeStream } from './range-stream.ts'
import type { Space } from './space.ts'
import { UploadHashes } from './upload-hashes.ts'
import { type UploadRest, uploadRest } from './upload-rest.ts'

export interface UploadSession extends Upload {
  readonly volume: Volume
  /** Milliseconds since the epoch of the last use. */
  readonly usedAtMs: number
  /** True while bytes are received, read or hashed, and while it is leased. */
  readonly busy: boolean
  /** What it may be removed for now. */
  readonly rest: UploadRest
  /** Aborts a running append and waits for it; the bytes received so far are kept. */
  interrupt(): Promise<void>
}

export interface UploadComponents {
  readonly files: UploadFiles
  readonly space: Space
  readonly blobs: Pick<CompleteBlobs, 'adopt'>
  readonly hashing: Hashing
  readonly now: () => number
  /** Called once, when the upload has become a blob or was removed. */
  readonly ended: (id: string) => void
}

class Session implements UploadSession {
  readonly id: string
  readonly volume: Volume
  readonly #components: UploadComponents
  #size: number
  #usedAtMs: number
  readonly #hashes: UploadHashes
  /** The operation that runs now; only one is allowed. */
  #running: Promise<unknown> | undefined
  #interruption = abortController()
  /** It is to be removed: nobody uses it any more, also when the removal has failed and must come again. */
  #doomed = false
  #removal: Promise<void> | undefined
  #published = false
  #leases = 0
  #refused = false

  constructor(components: UploadComponents, found: FoundUpload) {
    this.#components = components
    this.id = found.id
    this.volume = found.volume
    this.#size = found.size
    this.#usedAtMs = found.usedAtMs
    this.#hashes = new UploadHashes(components.hashing, found.size)
  }

  get size() {
    return this.#size
  }

  /** While it is in use: now. */
  get usedAtMs() {
    return this.busy ? this.#components.now() : this.#usedAtMs
  }

  get busy() {
    return this.#running !== undefined || this.#leases > 0
  }

  get rest() {
    const { busy, usedAtMs } = this
    return uploadRest({ busy, usedAtMs, refused: this.#refused }, this.#components.now())
  }

  lease() {
    this.#leases += 1
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#leases -= 1
      this.#usedAtMs = this.#components.now()
    }
  }

  async append(source: AsyncIterable<Uint8Array>, options: AppendOptions): Promise<void> {
    throwIfAborted(options.signal)
    this.#checkFree()
    if (options.offset !== this.#size) throw appError('UPLOAD_OFFSET', { detail: { size: this.#size } })
    const outer = options.signal === undefined ? [] : [options.signal]
    const signal = anySignal([this.#interruption.signal, ...outer])
    await this.#alone((handle) => this.#receive(handle, source, { ...options, signal }))
  }

  digest(algorithm: DigestAlgorithm): Promise<Digest> {
    return this.#alone((handle) => this.#hashes.digest(handle, this.#size, algorithm))
  }

  read(options: ReadOptions = {}): Readable {
    const range = checkedRange(options.range ?? wholeRange(this.#size), this.#size)
    const onClose = this.lease()
    return rangeStream(() => this.#components.files.open(this.id), range, { ...options, onClose })
  }

  commit(digest: Digest, { label }: CommitOptions = {}): Promise<CommittedBlob> {
    return this.#alone(async (handle) => {
      const actual = await this.#hashes.digest(handle, this.#size, digestAlgorithm(digest))
      if (actual !== digest) throw appError('DIGEST_INVALID', { detail: { expected: digest, actual } })
      const pieces = await this.#hashes.pieces(handle, this.#size)
      const beside = new Map<SidecarName, Uint8Array>()
      if (pieces !== undefined) beside.set('pieces', pieces)
      if (label !== undefined) beside.set('label', label)
      return this.#publish(digest, beside)
    })
  }

  async abort(): Promise<void> {
    if (this.#published) return
    this.#doomed = true
    this.#removal ??= this.#end()
    try {
      await this.#removal
    } catch (err) {
      this.#removal = undefined
      throw err
    }
  }

  async interrupt(): Promise<void> {
    this.#interruption.abort()
    await this.#running
    this.#hashes.drop()
    this.#interruption = abortController()
  }

  #checkFree() {
    if (this.#published || this.#doomed) throw appError('BLOB_UPLOAD_UNKNOWN')
    if (this.#running !== undefined) throw appError('UPLOAD_CONFLICT')
  }

  /** Runs one operation at a time: an append, a commit or a digest. */
  async #alone<T>(work: (handle: UploadHandle) => Promise<T>): Promise<T> {
    this.#checkFree()
    this.#usedAtMs = this.#components.now()
    this.#refused = false
    const turn = this.#withFile(work)
    this.#running = turn.catch(() => undefined)
    try {
      return await turn
    } catch (err) {
      this.#refused = hasCode(err, 'STORE_FULL', 'UPLOADS_FULL')
      throw err
    } finally {
      this.#running = undefined
      this.#usedAtMs = this.#components.now()
    }
  }

  async #withFile<T>(work: (handle: UploadHandle) => Promise<T>): Promise<T> {
    const handle = await this.#components.files.open(this.id)
    try {
      return await work(handle)
    } finally {
      await handle.close()
    }
  }

  /** Gathers the next batch while the current one is written. */
  async #receive(handle: UploadHandle, source: AsyncIterable<Uint8Array>, options: AppendOptions): Promise<void> {
    const { signal, offset, total = {} } = options
    const { blockBytes } = this.#components.hashing.blocks
    await this.#hashes.resume(handle, this.#size, total)
    let writing = Promise.resolve()
    try {
      for await (const batch of batches(source, { signal, offset, maxBytes: blockBytes })) {
        await writing
        writing = this.#take(handle, batch)
        writing.catch(() => undefined)
      }
    } finally {
      try {
        await writing
      } finally {
        await handle.settle(this.#size, this.#components.now())
      }
    }
  }

  /**
   * Writes one batch and hashes it meanwhile, both from one block that the thread can read. A failed write leaves `size`
   * unchanged and drops the hashes.
   */
  async #take(handle: UploadHandle, { chunks, bytes: length }: Batch): Promise<void> {
    const position = this.#size
    const { space, hashing } = this.#components
    const block = hashing.blocks.take()
    const bytes = gathered(chunks, block.subarray(0, length))
    const hashed = this.#hashes.update(bytes)
    try {
      await space.write(length, this.volume, () => handle.write(bytes, position))
      this.#size = position + length
    } catch (err) {
      this.#hashes.drop()
      throw err
    } finally {
      await hashed
      hashing.blocks.give(block)
    }
  }

  async #publish(digest: Digest, beside: BesideBlob): Promise<CommittedBlob> {
    const { blobs, files, now, ended } = this.#components
    const found = { digest, size: this.#size, volume: this.volume }
    let written: readonly SidecarName[] = []
    const { blob, added } = await blobs.adopt(found, async () => {
      written = await files.promote(this.id, digest, now(), beside)
    })
    this.#published = true
    if (!added) {
      await this.#remove()
      return { ...blob, beside: [] }
    }
    ended(this.id)
    return { ...blob, beside: written }
  }

  async #end(): Promise<void> {
    await this.interrupt()
    if (!this.#published) await this.#remove()
  }

  async #remove(): Promise<void> {
    await this.#components.files.remove(this.id)
    this.#components.space.release(this.#size)
    this.#components.ended(this.id)
  }
}

function gathered(chunks: readonly Uint8Array[], into: Uint8Array): Uint8Array {
  let at = 0
  for (const chunk of chunks) {
    copyBytes(into.subarray(at), chunk)
    at += chunk.length
  }
  return into
}

export function uploadSession(components: UploadComponents, found: FoundUpload): UploadSession {
  return new Session(components, found)
}
