import type { Readable } from 'node:stream'
import { type AbortOptions, appError, type Clock, hasCode } from '../../base/index.ts'
import { type Digest, digestAlgorithm, digestOf } from '../../core/index.ts'
import type { Governor } from '../governor.ts'
import { openedOrUndone, settledRequest } from '../opening.ts'
import { receive } from '../receive.ts'
import type { RegistryBlobs } from './registry-blobs.ts'
import type { UploadPlace, UploadRequests } from './upload-requests.ts'

export interface BlobUploadComponents {
  readonly requests: UploadRequests
  readonly blobs: RegistryBlobs
  readonly governor: Governor
  readonly clock: Clock
}

export interface BlobUploadInit extends AbortOptions {
  readonly digest: Digest
  readonly size: number
  /** Bytes that are held in memory and sent in one request; a broken connection repeats at most this many. */
  readonly chunkBytes: number
}

/** Largest chunk that a registry may demand, in bytes. */
export const MAX_CHUNK_BYTES = 256 * 1024 * 1024

/**
 * Sends a blob: in one request when it fits into a chunk, otherwise chunk by chunk. A chunk stays in memory until the
 * registry has it, so after a broken connection the upload goes on from the registry's offset and the source need not
 * be repeatable. Some registries (distribution 2) forget an upload that broke off within a chunk; then the caller has
 * to start again.
 * @throws DIGEST_INVALID, SIZE_INVALID, BACKEND_UNAVAILABLE and the others of `UploadRequests`
 */
export async function uploadBlob(
  components: BlobUploadComponents,
  source: Readable | Uint8Array,
  init: BlobUploadInit,
): Promise<void> {
  const upload = new BlobUpload(components, init)
  try {
    await receive(source, init, (chunk) => upload.take(chunk))
    await upload.finish()
  } catch (err) {
    await upload.cancel()
    throw hasCode(err, 'BLOB_UPLOAD_UNKNOWN') ? forgotten(err) : err
  }
}

class BlobUpload {
  readonly #components: BlobUploadComponents
  readonly #init: BlobUploadInit
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #place: UploadPlace | undefined

  constructor(components: BlobUploadComponents, init: BlobUploadInit) {
    this.#components = components
    this.#init = init
  }

  /** Keeps the bytes; sends a chunk when there are more bytes than one chunk. */
  async take(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      if (this.#pendingBytes >= this.#chunkBytes && this.#place === undefined) await this.#open()
      if (this.#pendingBytes >= this.#chunkBytes) await this.#append(this.#takePending())
      const part = rest.subarray(0, this.#chunkBytes - this.#pendingBytes)
      this.#pending.push(part)
      this.#pendingBytes += part.length
      rest = rest.subarray(part.length)
    }
  }

  async finish(): Promise<void> {
    const last = this.#takePending()
    if (this.#place === undefined) await this.#sendWhole(last)
    else await this.#closeWith(last)
    this.#place = undefined
  }

  /** Tells the registry to forget the upload; never throws. */
  async cancel(): Promise<void> {
    const place = this.#place
    this.#place = undefined
    if (place !== undefined) await this.#cancelled(place)
  }

  get #chunkBytes(): number {
    return Math.max(this.#init.chunkBytes, this.#place?.minChunk ?? 0)
  }

  #takePending(): Uint8Array {
    const [first = new Uint8Array(), ...more] = this.#pending
    const chunk = more.length === 0 ? first : Buffer.concat(this.#pending, this.#pendingBytes)
    this.#pending = []
    this.#pendingBytes = 0
    return chunk
  }

  /**
   * A failed attempt may leave bytes behind, so each attempt begins a new upload. Wrong bytes are never sent, because
   * some registries cannot be told to forget them.
   */
  async #sendWhole(bytes: Uint8Array): Promise<void> {
    const { requests } = this.#components
    const { digest } = this.#init
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw appError('DIGEST_INVALID', { detail: { digest } })
    return this.#settled(async (signal) => {
      const place = await this.#begun(signal)
      try {
        if (!(await requests.close(place, { digest, bytes, signal }))) throw forgotten()
      } catch (err) {
        await this.#cancelled(place)
        throw err
      }
    })
  }

  async #append(chunk: Uint8Array): Promise<void> {
    const { requests } = this.#components
    const opened = this.#opened
    await this.#fromWhereItStands(opened, async (place, signal) => {
      const left = chunk.subarray(offsetIn(chunk, opened, place))
      this.#place = left.length === 0 ? place : await requests.append(place, left, { signal })
    })
  }

  get #opened(): UploadPlace {
    if (this.#place === undefined) throw appError('UNKNOWN', { message: 'the upload has not been opened' })
    return this.#place
  }

  async #open(): Promise<void> {
    this.#place = await this.#settled((signal) => this.#begun(signal))
    if (this.#place.minChunk <= MAX_CHUNK_BYTES) return
    throw appError('BACKEND_UNAVAILABLE', { message: 'the registry demands larger chunks than we can send' })
  }

  async #closeWith(last: Uint8Array): Promise<void> {
    // The last bytes and the close are two requests: when the answer to the close is lost, we cannot tell whether it
    // was done.
    if (last.length > 0) await this.#append(last)
    const { requests, blobs } = this.#components
    const { digest, size } = this.#init
    const none = new Uint8Array()
    const closed = await this.#request((signal) => requests.close(this.#opened, { digest, bytes: none, signal }))
    if (!closed && (await blobs.size(digest, this.#init)) !== size) throw forgotten()
  }

  /**
   * Runs a request at `opened`; after a failure, asks the registry for its offset and runs the request again from
   * there.
   */
  async #fromWhereItStands(
    opened: UploadPlace,
    request: (place: UploadPlace, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    let failed = false
    await this.#request(async (signal) => {
      const place = failed ? await this.#components.requests.status(opened, { signal }) : opened
      failed = true
      await request(place, signal)
    })
  }

  /** When this returns, the upload is known here; when it throws, the upload has been ended. */
  #begun(signal: AbortSignal): Promise<UploadPlace> {
    const { requests, clock } = this.#components
    const open = (last: AbortSignal) => requests.open({ signal: last })
    return openedOrUndone(clock, { open, undo: (place) => this.#cancelled(place) }, signal)
  }

  #settled<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return settledRequest({ governor: this.#components.governor, operation: 'write' }, work, this.#init)
  }

  #request<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#components.governor.request('write', work, this.#init)
  }

  async #cancelled(place: UploadPlace): Promise<void> {
    const { governor, requests } = this.#components
    // When we may not ask even that now, the registry itself has to clean up.
    await governor.request('delete', () => requests.cancel(place)).catch(() => undefined)
  }
}

/** How much of `chunk`, which begins at `opened`, the registry has when its offset is at `place`. */
function offsetIn(chunk: Uint8Array, opened: UploadPlace, place: UploadPlace): number {
  const had = place.offset - opened.offset
  if (had >= 0 && had <= chunk.length) return had
  throw appError('BACKEND_UNAVAILABLE', { message: 'the registry lost bytes of an upload that it had confirmed' })
}

function forgotten(cause?: unknown) {
  return appError('BACKEND_UNAVAILABLE', { message: 'the registry forgot a running upload', cause })
}
