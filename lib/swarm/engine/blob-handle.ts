import type { Readable } from 'node:stream'
import { type Clock, type Deferred, deferred, isAppError } from '../../base/index.ts'
import { type ByteRange, type MetaInfoHeader, wholeRange } from '../../core/index.ts'
import {
  type BytesBySource,
  bytesSince,
  type PullSummary,
  type PullWatch,
  type ReadOptions,
  type SourceRecord,
  sourcesSince,
} from '../torrent/index.ts'

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
  /** The summary as it would be now, or as it was at the `close`. */
  readonly soFar: PullSummary
}

/** Provides the bytes of a handle. */
export interface HandleSource {
  readonly header: MetaInfoHeader
  /** `watch` is told what the reader waits for. */
  read(range: ByteRange, options: ReadOptions, watch: PullWatch): Readable
  readonly received: BytesBySource
  readonly lastStepFailed: string | undefined
  readonly sources: readonly SourceRecord[]
  close(): void
}

export interface HandleInit {
  readonly source: HandleSource
  /** When the caller asked for the blob, in the clock's monotonic milliseconds. */
  readonly openedMs: number
  /** Told by every reader of the handle; of readers at the same time it hears all in one, so trace one at a time. */
  readonly watch: PullWatch
}

export function blobHandle(clock: Clock, init: HandleInit): BlobHandle {
  return new Handle(clock, init)
}

class Handle implements BlobHandle {
  readonly #clock: Clock
  readonly #source: HandleSource
  readonly #openedMs: number
  readonly #watch: PullWatch
  readonly #before: Pick<HandleSource, 'received' | 'sources'>
  readonly #summary: Deferred<PullSummary> = deferred()
  #outcome = 'unread'
  #last: PullSummary | undefined

  constructor(clock: Clock, { source, openedMs, watch }: HandleInit) {
    this.#clock = clock
    this.#source = source
    this.#openedMs = openedMs
    this.#watch = watch
    this.#before = { received: { ...source.received }, sources: source.sources }
    watch.turn('client')
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

  get soFar(): PullSummary {
    return this.#last ?? this.#summarized('running')
  }

  #summarized(outcome: string): PullSummary {
    const { received, sources, lastStepFailed } = this.#source
    const { firstByteMs } = this.#watch
    return {
      digest: this.header.digest,
      size: this.size,
      bytes: bytesSince(this.#before.received, received),
      firstByteMs: firstByteMs === undefined ? undefined : firstByteMs - this.#openedMs,
      totalMs: this.#clock.monotonicMs() - this.#openedMs,
      lastStepFailed,
      outcome,
      sources: sourcesSince(this.#before.sources, sources),
    }
  }

  read(range: ByteRange = wholeRange(this.size), options: ReadOptions = {}): Readable {
    const stream = this.#source.read(range, options, this.#watch)
    // Who goes away destroys the stream; a pipeline does so with an error of its own.
    this.#outcome = 'left'
    stream.once('end', () => {
      this.#outcome = 'done'
    })
    stream.once('error', (err) => {
      this.#outcome = isAppError(err) && err.code !== 'ABORTED' ? err.code : 'left'
    })
    return stream
  }

  close(): void {
    if (this.#last !== undefined) return
    this.#last = this.#summarized(this.#outcome)
    this.#summary.resolve(this.#last)
    this.#source.close()
  }
}
