import { Readable } from 'node:stream'
import type { UrlContent, UrlFacts, Urls } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  type AppError,
  abortable,
  appError,
  backoffMs,
  type Clock,
  type Deferred,
  deferred,
  hasCode,
  type Random,
  throwIfAborted,
  toAppError,
} from '../../../lib/base/index.ts'
import { type ByteRange, type Digest, urlRepository, type WebUrl } from '../../../lib/core/index.ts'
import type { BlobReader, BlobUploads, CommittedBlob, Upload } from '../../../lib/store/index.ts'
import type { BlobNames } from '../blob-names.ts'
import type { UploadQuota } from '../push/upload-quota.ts'

export interface ArrivalComponents {
  readonly urls: Pick<Urls, 'read'>
  readonly store: Pick<BlobUploads, 'createUpload'> & Pick<BlobReader, 'open'>
  readonly quota: Pick<UploadQuota, 'open' | 'limited' | 'assertPossible'>
  readonly names: Pick<BlobNames, 'labelOf'>
  readonly clock: Pick<Clock, 'sleep'>
  readonly random: Random
  /** The whole is here, and has a name. */
  readonly onStored: (blob: { readonly digest: Digest; readonly url: WebUrl }, stored: CommittedBlob) => void
  readonly onReceived: (bytes: number) => void
}

/** As whom origins upload what they bring: all URLs together have the share of one client. */
const CLIENT = 'urls'
/** Tries in a row of which none gives a byte, and the waits between them. */
const TRIES = { attempts: 5, baseMs: 500, maxMs: 10_000 }

/** Readers get what comes in steps of so many bytes: short ones first, so that nobody waits long for the first byte. */
const FIRST_STEP = 64 * 1024
const LONGEST_STEP = 1024 * 1024

/** The content of a URL on its way into the store: its digest is known when all of it is here, and readers need not wait so long. */
export class Arrival {
  readonly facts: UrlFacts
  readonly #url: WebUrl
  readonly #components: ArrivalComponents
  #upload: Upload | undefined
  #stored: Digest | undefined
  #failure: AppError | undefined
  #news: Deferred<void> = deferred()

  constructor(components: ArrivalComponents, url: WebUrl, facts: UrlFacts) {
    this.#components = components
    this.#url = url
    this.facts = facts
  }

  /** Brings all of it. `first` is its begin, which is being answered. @throws STORE_FULL, UPLOADS_FULL, what `urls` throws */
  async bring(first: UrlContent, options: AbortOptions): Promise<Digest> {
    const { store, quota } = this.#components
    try {
      first.body.on('error', () => undefined)
      const upload = await quota.open(CLIENT, () => store.createUpload())
      this.#upload = upload
      const release = upload.lease()
      try {
        quota.assertPossible(upload.id, this.facts.size)
        await this.#fill(upload, first.body, options)
        this.#stored = await this.#commit(upload)
      } catch (err) {
        await upload.abort()
        throw err
      } finally {
        release()
      }
      return this.#stored
    } catch (err) {
      this.#failure = toAppError(err)
      throw err
    } finally {
      first.body.destroy()
      this.#tell()
    }
  }

  /** A range of it; waits for what has not come yet. Fails when the rest does not come. */
  read(range: ByteRange, options: AbortOptions): Readable {
    return Readable.from(this.#bytes(range, options), { objectMode: false })
  }

  async #fill(upload: Upload, first: Readable, { signal }: AbortOptions): Promise<void> {
    const { urls, clock, random } = this.#components
    const { size } = this.facts
    let body: Readable | undefined = first
    for (let vain = 0; upload.size < size; ) {
      const before = upload.size
      try {
        body ??= (await urls.read(this.#url, { start: before, end: size }, { known: this.facts, signal })).body
        await this.#take(upload, body, { signal })
        if (upload.size < size) throw appError('BACKEND_UNAVAILABLE', { message: 'the web server ended too early' })
      } catch (err) {
        throwIfAborted(signal)
        vain = upload.size > before ? 0 : vain + 1
        if (!hasCode(err, 'BACKEND_UNAVAILABLE', 'BACKEND_THROTTLED') || vain >= TRIES.attempts) throw err
        await clock.sleep(backoffMs(TRIES, vain, random), { signal })
      } finally {
        body?.destroy()
        body = undefined
      }
    }
  }

  async #take(upload: Upload, body: Readable, { signal }: AbortOptions): Promise<void> {
    const { quota, onReceived } = this.#components
    const { size } = this.facts
    const chunks = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    const step = async function* (bytes: number) {
      for (let taken = 0; taken < bytes; ) {
        const next = await chunks.next()
        if (next.done === true) return
        taken += next.value.byteLength
        onReceived(next.value.byteLength)
        yield next.value
      }
    }
    for (let bytes = FIRST_STEP; upload.size < size; bytes = Math.min(2 * bytes, LONGEST_STEP)) {
      const before = upload.size
      const source = quota.limited(upload.id, step(bytes))
      await upload.append(source, { offset: before, signal, total: { least: size, most: size } })
      this.#tell()
      if (upload.size === before) return
    }
  }

  async #commit(upload: Upload): Promise<Digest> {
    const { names, onStored } = this.#components
    const digest = await upload.digest('sha256')
    const stored = await upload.commit(digest, { label: names.labelOf(urlRepository(this.#url)) })
    onStored({ digest, url: this.#url }, stored)
    return digest
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = deferred()
  }

  async *#bytes({ start, end }: ByteRange, { signal }: AbortOptions): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; ) {
      const news = this.#news.promise
      if (this.#failure !== undefined) throw this.#failure
      const here = Math.min(end, this.#here)
      if (here <= at) {
        await abortable(news, signal)
        continue
      }
      const before = at
      try {
        for await (const chunk of (await this.#open(
          { start: at, end: here },
          { signal },
        )) as AsyncIterable<Uint8Array>) {
          yield chunk
          at += chunk.length
        }
      } catch (err) {
        // It became a blob between the look and the read: what comes next is read there.
        if (at > before || signal?.aborted === true || this.#upload?.size !== this.facts.size) throw err
      }
    }
  }

  /** Bytes that can be read now; from the last one on until it is a blob, none: its file moves. */
  get #here(): number {
    const { size } = this.facts
    if (this.#stored !== undefined) return size
    const received = this.#upload?.size ?? 0
    return received < size ? received : 0
  }

  async #open(range: ByteRange, options: AbortOptions): Promise<Readable> {
    const { store } = this.#components
    if (this.#stored !== undefined) return store.open(this.#stored, { ...options, range })
    const upload = this.#upload
    if (upload === undefined) throw appError('BLOB_UPLOAD_UNKNOWN')
    return upload.read({ ...options, range })
  }
}
