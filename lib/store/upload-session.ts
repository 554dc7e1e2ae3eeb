import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type AbortOptions, appError, throwIfAborted } from '../base/index.ts'
import { type Digest, type DigestAlgorithm, digestAlgorithm, digestFromHex, wholeRange } from '../core/index.ts'
import { type Batch, batches } from './batches.ts'
import type { BlobAdoption } from './blob-facets.ts'
import type { ReadOptions, StoredBlob, Upload } from './blob-store.ts'
import { checkedRange } from './checked-range.ts'
import type { FoundUpload, ReadHandle, UploadFiles, UploadHandle, Volume } from './medium.ts'
import { rangeStream, SLICE_BYTES } from './range-stream.ts'
import type { Space } from './space.ts'

export interface UploadSession extends Upload {
  readonly volume: Volume
  /** Milliseconds since the epoch of the last use. */
  readonly usedAtMs: number
  /** True while bytes are received or hashed. */
  readonly busy: boolean
  /** Aborts a running append and waits for it; the bytes received so far are kept. */
  interrupt(): Promise<void>
}

export interface UploadComponents {
  readonly files: UploadFiles
  readonly space: Space
  readonly blobs: BlobAdoption
  readonly now: () => number
  /** Called once, when the upload has become a blob or was removed. */
  readonly ended: (id: string) => void
}

/** Hashes the first `size` bytes of an open file. */
async function hashOf(handle: ReadHandle, size: number, algorithm: DigestAlgorithm): Promise<Hash> {
  const hash = createHash(algorithm)
  for (let start = 0; start < size; start += SLICE_BYTES) {
    hash.update(await handle.read({ start, end: Math.min(size, start + SLICE_BYTES) }))
  }
  return hash
}

/** The hash state is not saved on disk: after a restart, the bytes are read again before the next use. */
class Session implements UploadSession {
  readonly id: string
  readonly volume: Volume
  readonly #components: UploadComponents
  #size: number
  #usedAtMs: number
  #sha256: Hash | undefined
  /** The operation that runs now; only one is allowed. */
  #running: Promise<unknown> | undefined
  #interruption = new AbortController()
  #removal: Promise<void> | undefined
  #published = false

  constructor(components: UploadComponents, found: FoundUpload) {
    this.#components = components
    this.id = found.id
    this.volume = found.volume
    this.#size = found.size
    this.#usedAtMs = found.usedAtMs
    this.#sha256 = found.size === 0 ? createHash('sha256') : undefined
  }

  get size() {
    return this.#size
  }

  get usedAtMs() {
    return this.#usedAtMs
  }

  get busy() {
    return this.#running !== undefined
  }

  async append(source: AsyncIterable<Uint8Array>, options: AbortOptions & { readonly offset: number }): Promise<void> {
    throwIfAborted(options.signal)
    this.#checkFree()
    if (options.offset !== this.#size) throw appError('UPLOAD_OFFSET', { detail: { size: this.#size } })
    const outer = options.signal === undefined ? [] : [options.signal]
    const signal = AbortSignal.any([this.#interruption.signal, ...outer])
    await this.#alone((handle) => this.#receive(handle, source, signal))
  }

  digest(algorithm: DigestAlgorithm): Promise<Digest> {
    return this.#alone((handle) => this.#digestNow(handle, algorithm))
  }

  read(options: ReadOptions = {}): Readable {
    const range = checkedRange(options.range ?? wholeRange(this.#size), this.#size)
    return rangeStream(() => this.#components.files.open(this.id), range, options)
  }

  commit(digest: Digest): Promise<StoredBlob> {
    return this.#alone(async (handle) => {
      const actual = await this.#digestNow(handle, digestAlgorithm(digest))
      if (actual !== digest) throw appError('DIGEST_INVALID', { detail: { expected: digest, actual } })
      return this.#publish(digest)
    })
  }

  async abort(): Promise<void> {
    if (this.#published) return
    this.#removal ??= this.interrupt().then(async () => {
      if (!this.#published) await this.#remove()
    })
    await this.#removal
  }

  async interrupt(): Promise<void> {
    this.#interruption.abort()
    await this.#running
    this.#interruption = new AbortController()
  }

  #checkFree() {
    if (this.#published || this.#removal !== undefined) throw appError('BLOB_UPLOAD_UNKNOWN')
    if (this.#running !== undefined) throw appError('UPLOAD_CONFLICT')
  }

  /** Runs one operation at a time: an append, a commit or a digest. */
  async #alone<T>(work: (handle: UploadHandle) => Promise<T>): Promise<T> {
    this.#checkFree()
    this.#usedAtMs = this.#components.now()
    const turn = this.#withFile(work)
    this.#running = turn.catch(() => undefined)
    try {
      return await turn
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
  async #receive(handle: UploadHandle, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    this.#sha256 ??= await hashOf(handle, this.#size, 'sha256')
    let writing = Promise.resolve()
    try {
      for await (const batch of batches(source, { signal })) {
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

  /** Writes one batch and hashes it meanwhile; a failed write leaves `size` unchanged and drops the hash. */
  async #take(handle: UploadHandle, batch: Batch): Promise<void> {
    const position = this.#size
    const { space } = this.#components
    const writing = space.write(batch.bytes, this.volume, () => handle.write(batch.chunks, position))
    writing.catch(() => undefined)
    for (const chunk of batch.chunks) this.#sha256?.update(chunk)
    try {
      await writing
      this.#size = position + batch.bytes
    } catch (err) {
      this.#sha256 = undefined
      throw err
    }
  }

  async #digestNow(handle: ReadHandle, algorithm: DigestAlgorithm): Promise<Digest> {
    if (algorithm !== 'sha256') {
      return digestFromHex(algorithm, (await hashOf(handle, this.#size, algorithm)).digest('hex'))
    }
    this.#sha256 ??= await hashOf(handle, this.#size, 'sha256')
    return digestFromHex('sha256', this.#sha256.copy().digest('hex'))
  }

  async #publish(digest: Digest): Promise<StoredBlob> {
    const { blobs, files, now, ended } = this.#components
    const found = { digest, size: this.#size, volume: this.volume }
    const { blob, added } = await blobs.adopt(found, () => files.promote(this.id, digest, now()))
    this.#published = true
    if (added) ended(this.id)
    else await this.#remove()
    return blob
  }

  async #remove(): Promise<void> {
    await this.#components.files.remove(this.id)
    this.#components.space.release(this.#size)
    this.#components.ended(this.id)
  }
}

export function uploadSession(components: UploadComponents, found: FoundUpload): UploadSession {
  return new Session(components, found)
}
