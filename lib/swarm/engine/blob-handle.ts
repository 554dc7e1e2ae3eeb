import type { Readable } from 'node:stream'
import { type Clock, type Deferred, deferred } from '../../base/index.ts'
import { type ByteRange, type MetaInfoHeader, wholeRange } from '../../core/index.ts'
import { type BytesBySource, bytesSince, type PullSummary, type ReadOptions } from '../torrent/index.ts'

/**
 * One user's handle on a blob that is here or arriving. While it is open, the blob is kept; while it is read, and a
 * short time after, the blob is fetched if necessary. A handle that is never read causes no download.
 */
export interface BlobHandle {
  readonly header: MetaInfoHeader
  /** Bytes. */
  readonly size: number
  /**
   * The bytes of `range` (default: all) as soon as they are verified; any number of readers at the same time. The last
   * bytes of the whole body are given only when the whole digest is right. On failure the stream is destroyed with an
   * AppError: ABORTED, STALLED, SOURCES_EXHAUSTED, METAINFO_FAILED, METAINFO_DOUBTED, METAINFO_CONFLICT, SHUTTING_DOWN.
   */
  read(range?: ByteRange, options?: ReadOptions): Readable
  /** Closes the handle; idempotent. Open readers continue as long as the blob exists. */
  close(): void
  /** Resolves at `close`. */
  readonly summary: Promise<PullSummary>
}

/** Provides the bytes of a handle. */
export interface HandleSource {
  readonly header: MetaInfoHeader
  read(range: ByteRange, options: ReadOptions, onFirstByte: () => void): Readable
  readonly received: BytesBySource
  readonly lastStepFailed: string | undefined
  close(): void
}

/** `openedMs` is when the caller asked for the blob, in the clock's monotonic milliseconds. */
export function blobHandle(clock: Clock, source: HandleSource, openedMs: number): BlobHandle {
  return new Handle(clock, source, openedMs)
}

class Handle implements BlobHandle {
  readonly #clock: Clock
  readonly #source: HandleSource
  readonly #openedMs: number
  readonly #before: BytesBySource
  readonly #summary: Deferred<PullSummary> = deferred()
  #firstByteMs: number | undefined
  #closed = false

  constructor(clock: Clock, source: HandleSource, openedMs: number) {
    this.#clock = clock
    this.#source = source
    this.#openedMs = openedMs
    this.#before = { ...source.received }
  }

  get header(): MetaInfoHeader {
    return this.#source.header
  }

  get size(): number {
    return this.header.length
  }

  get summary(): Promise<PullSummary> {
    return this.#summary.promise
  }

  read(range: ByteRange = wholeRange(this.size), options: ReadOptions = {}): Readable {
    return this.#source.read(range, options, () => {
      this.#firstByteMs ??= this.#clock.monotonicMs() - this.#openedMs
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#summary.resolve({
      digest: this.header.digest,
      size: this.size,
      bytes: bytesSince(this.#before, this.#source.received),
      firstByteMs: this.#firstByteMs,
      totalMs: this.#clock.monotonicMs() - this.#openedMs,
      lastStepFailed: this.#source.lastStepFailed,
    })
    this.#source.close()
  }
}
