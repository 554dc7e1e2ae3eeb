import { type OriginClient, originClient, type SendProgress, type SendTarget } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  appError,
  type Clock,
  hasCode,
  type Random,
  retry,
  type TokenBucket,
  throwIfAborted,
  tokenBucket,
} from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'

/**
 * Sent at once, then acknowledged by the far origin: if either end dies, so much is sent again at most. It is also what
 * the rate of a send is divided into.
 */
export const SEND_PIECE_BYTES = 1024 * 1024

/** Tries while the far end is still busy with what the last sender began, and the waits between them. */
const TRIES = { attempts: 10, baseMs: 100, maxMs: 2_000 }

/** The far upload is in use, further than known here, or just became the blob: its state is asked again. */
const staleCodes = ['UPLOAD_CONFLICT', 'UPLOAD_OFFSET', 'BLOB_UPLOAD_UNKNOWN']

export interface RemoteSendComponents {
  readonly store: Pick<BlobReader, 'lease' | 'readAt'>
  /** Shows no secret of its own. */
  readonly remoteHttp: HttpClient
  readonly clock: Clock
  readonly random: Random
  /** The share in this node's upload rate that blobs of such a size get. */
  readonly pace: (sizeBytes: number) => TokenBucket
  readonly onSent: (to: 'cluster', bytes: number) => void
}

export interface RemoteSendOptions extends AbortOptions {
  readonly onProgress: (progress: SendProgress) => void
}

/** A failure at the far end. Its cause may say what the far end wrote, and is told to nobody. */
class FarFailure extends Error {
  constructor(cause: unknown) {
    super('the far end failed', { cause })
  }
}

/** How a send ended. A failure is told apart by the end at which it came about. */
export type SendOutcome =
  | { readonly done: true }
  | { readonly done: false; readonly at: 'near' | 'far'; readonly err: unknown }

/** Sends stored blobs to origins of other clusters. */
export interface RemoteSend {
  /**
   * Sends what the far cluster lacks of a blob that is stored here. Never throws. Whatever happens, the far upload stays,
   * so that a later send goes on with it; only one whose bytes turn out wrong is removed.
   */
  send(blob: StoredBlob, target: SendTarget, options: RemoteSendOptions): Promise<SendOutcome>
}

export function remoteSend(components: RemoteSendComponents): RemoteSend {
  const { store, remoteHttp } = components
  return {
    async send(blob, target, options) {
      const far = originClient(withSecret(remoteHttp, target.secret), target.url)
      const run = new Run(components, { blob, target, far, ...options })
      const release = store.lease(blob.digest)
      try {
        await retry(components, TRIES, () => run.attempt(), { signal: options.signal, again: isStale })
        return { done: true }
      } catch (err) {
        return err instanceof FarFailure ? { done: false, at: 'far', err: err.cause } : { done: false, at: 'near', err }
      } finally {
        release()
      }
    },
  }
}

const isStale = (err: unknown) => err instanceof FarFailure && hasCode(err.cause, ...staleCodes)

/** Shows the secret of the far cluster in place of our own. */
function withSecret(http: HttpClient, secret: string | undefined): HttpClient {
  if (secret === undefined) return http
  const authorization = `Bearer ${secret}`
  return {
    ...http,
    request: (request) => http.request({ ...request, headers: { ...request.headers, authorization } }),
  }
}

/** A call of the far origin; whatever it throws is a `FarFailure`. */
const atFar = <T>(call: Promise<T>): Promise<T> =>
  call.catch((cause: unknown) => {
    throw new FarFailure(cause)
  })

interface RunInit extends RemoteSendOptions {
  readonly blob: StoredBlob
  readonly target: SendTarget
  readonly far: OriginClient
}

/** One send. Its tries share the upload and the rate. */
class Run {
  readonly #components: RemoteSendComponents
  readonly #init: RunInit
  readonly #ownPace: TokenBucket
  #upload: SendProgress['upload'] | undefined

  constructor(components: RemoteSendComponents, init: RunInit) {
    this.#components = components
    this.#init = init
    this.#upload = init.target.upload
    this.#ownPace = tokenBucket(components.clock, { ratePerSecond: init.target.bytesPerSecond })
  }

  async attempt(): Promise<void> {
    const { blob, target, far, signal } = this.#init
    if ((await atFar(far.statBlob(target.repository, blob.digest, { signal }))) !== undefined) return
    const { id, size } = await this.#open()
    for (let sent = size; sent < blob.size; ) sent = await this.#sendPiece(id, sent)
    await this.#commit(id)
  }

  /** The upload to go on with, or a new one; tells of it before a byte is sent. */
  async #open(): Promise<{ readonly id: string; readonly size: number }> {
    const { target, far, signal } = this.#init
    const known = this.#upload === undefined ? undefined : await this.#status(this.#upload.id)
    const { id, member, size } = known ?? (await atFar(far.createUpload(target.repository, { signal })))
    this.#tell({ id, member }, size)
    return { id, size }
  }

  /** Undefined when the upload is gone, or cannot become the blob. */
  async #status(id: string) {
    const { blob, target, far, signal } = this.#init
    try {
      const state = await atFar(far.uploadStatus(target.repository, id, { signal }))
      return state.size > blob.size ? undefined : state
    } catch (err) {
      if (err instanceof FarFailure && hasCode(err.cause, 'BLOB_UPLOAD_UNKNOWN')) return undefined
      throw err
    }
  }

  #tell(upload: SendProgress['upload'], sent: number): void {
    this.#upload = upload
    this.#init.onProgress({ upload, sent, size: this.#init.blob.size })
  }

  /** Sends the piece at `start`; the result is where the next one starts. */
  async #sendPiece(id: string, start: number): Promise<number> {
    const { store, pace, onSent } = this.#components
    const { blob, target, far, signal } = this.#init
    throwIfAborted(signal)
    const end = Math.min(start + SEND_PIECE_BYTES, blob.size)
    await pace(blob.size).take(end - start, { signal })
    await this.#ownPace.take(end - start, { signal })
    const body = await store.readAt(blob.digest, { start, end })
    const { size, member } = await atFar(far.appendUpload(target.repository, id, { offset: start, body, signal }))
    if (size !== end) throw new FarFailure(appError('SIZE_INVALID', { detail: { expected: end, actual: size } }))
    onSent('cluster', end - start)
    this.#tell({ id, member }, size)
    return size
  }

  /** Closes the upload. With wrong bytes it could never be closed: then it goes, so that the next send begins anew. */
  async #commit(id: string): Promise<void> {
    const { blob, target, far, signal } = this.#init
    try {
      await atFar(far.commitUpload(target.repository, id, { digest: blob.digest, signal }))
    } catch (err) {
      if (err instanceof FarFailure && hasCode(err.cause, 'DIGEST_INVALID')) {
        await far.cancelUpload(target.repository, id, { signal }).catch(() => undefined)
      }
      throw err
    }
  }
}
