import type { Readable } from 'node:stream'
import {
  type AppError,
  appError,
  type Background,
  background,
  type Deferred,
  deferred,
  toAppError,
} from '../../base/index.ts'
import type { ByteRange, MetaInfoHeader } from '../../core/index.ts'
import type { PeerHello } from '../peer/index.ts'
import type { DownloadTarget } from './fetch/download-contract.ts'
import { HTTP } from './fetch/piece-job.ts'
import { Records } from './fetch/records.ts'
import { Sources } from './fetch/sources.ts'
import type { PullComponents, PullEvents, PullInit } from './pull-contract.ts'
import { Delivery } from './read/delivery.ts'
import type { ReadOptions } from './read/reader.ts'
import { Readers } from './read/readers.ts'
import { type ArrivingContent, arrivingContent } from './shared/content.ts'
import { type BytesBySource, noBytes } from './shared/pull-summary.ts'
import type { PullWatch, WaitSpot } from './shared/pull-trace.ts'
import type { SourceRecord } from './shared/source-record.ts'

/** When no reader waits for just this record, the download is woken once for this many records. */
const RECORDS_PER_WAKE = 64

/**
 * One blob on its way here: metainfo feed, download, HTTP rung, readers and the partial blob. Its public methods and its
 * private `#on` methods are events: each runs to its end without waiting.
 */
export class Pull {
  readonly #components: PullComponents
  readonly #init: PullInit
  readonly #events: PullEvents
  readonly #header: Deferred<MetaInfoHeader> = deferred()
  readonly #tasks: Background
  readonly #readers: Readers
  readonly #records: Records
  #delivery: Delivery | undefined
  #sources: Sources | undefined
  #received: Record<keyof BytesBySource, number> = { ...noBytes }
  #lastFailure: AppError | undefined
  #ended = false
  #complete = false
  #recordsSinceWake = 0

  constructor(components: PullComponents, init: PullInit, events: PullEvents) {
    this.#components = components
    this.#init = init
    this.#events = events
    this.#tasks = background((name, err) => components.logger.error('a task of a pull failed', { name, err }))
    this.#readers = this.#newReaders()
    this.#records = this.#newRecords()
  }

  start(): void {
    this.#records.start()
  }

  /** Rejects with the reason when no header will come. */
  get header(): Promise<MetaInfoHeader> {
    return this.#header.promise
  }

  /** The blob is complete in the store; readers go on. */
  get complete(): boolean {
    return this.#complete
  }

  get received(): BytesBySource {
    return this.#received
  }

  /** The request for the metainfo has introduced the node, and a tracker may still answer that. */
  get introducing(): boolean {
    return this.#records.introducing
  }

  /** What each peer has given and failed to give. */
  get sources(): readonly SourceRecord[] {
    return this.#sources?.download.sources ?? []
  }

  /** The error of the last failed step; kept until the pull ends. */
  get lastFailure(): AppError | undefined {
    return this.#lastFailure
  }

  get supply(): Sources | undefined {
    return this.#sources
  }

  /** Bytes not yet here; undefined before the header. */
  get leftBytes(): number | undefined {
    return this.#delivery?.arrival.leftBytes ?? this.#records.log.header?.length
  }

  read(range: ByteRange, options: ReadOptions, watch: PullWatch): Readable {
    return this.#readers.open(range, options, watch)
  }

  /** Goes on over HTTP when no peer gives anything. */
  climb(): void {
    this.#sources?.climb()
  }

  /** The partial blob stays for the next pull. */
  async stop(err: AppError = appError('SHUTTING_DOWN')): Promise<void> {
    if (!this.#ended) this.#end(err)
    await this.#tasks.stop()
    await this.#delivery?.close()
  }

  #newReaders(): Readers {
    const isLimited = () => this.#components.downloads.available < Number.POSITIVE_INFINITY
    return new Readers(this.#components, {
      onMoved: () => this.#onMoved(),
      isLimited,
      isHeld: (piece) => isLimited() && this.#sources?.download.isHeld(piece) === true,
      cause: () => this.#lastFailure,
      why: (piece) => this.#why(piece),
    })
  }

  /** Why a reader has to wait for the piece. */
  #why(piece: number): WaitSpot {
    if (this.#records.log.hashOf(piece) !== undefined && this.#sources !== undefined) return this.#sources.why(piece)
    return { cause: this.#records.awaited, from: undefined, holders: 0 }
  }

  #newRecords(): Records {
    const { names, direct, asker } = this.#init
    return new Records(
      this.#components,
      { names, direct, asker, tasks: this.#tasks },
      {
        onHeader: (header) => this.#onHeader(header),
        onPeers: (named) => this.#init.onPeers(named),
        onHint: (peers) => this.#init.onTold(peers),
        onPiece: (piece) => this.#onPieceRecord(piece),
        onVerified: () => {
          this.#onMoved()
          this.#delivery?.verified()
        },
        onFailed: () => {
          if (this.#delivery?.arrival.verified !== true) this.#records.doubt('failed')
        },
        // The origin still brings the blob, so readers have not stalled.
        onBringing: () => this.#readers.excuse(this.#components.wheel.nowMs),
        onInterrupted: (err) => this.#onStepFailed(err),
        onTrusted: () => this.#sources?.download.trust(),
        onRefuted: (err) => this.#fail(err),
      },
    )
  }

  #onHeader(header: MetaInfoHeader): void {
    this.#header.resolve(header)
    if (header.data !== undefined) {
      this.#events.onInline(header)
      return
    }
    this.#events.onHeader(header)
    if (this.#ended) return
    this.#tasks.run('open-partial', async () => {
      try {
        this.#onContent(await arrivingContent(this.#components.store, header))
      } catch (err) {
        this.#fail(toAppError(err, 'STORE_CORRUPT'))
      }
    })
  }

  #onContent(content: ArrivingContent): void {
    if (this.#ended) return
    const delivery = this.#newDelivery(content)
    this.#delivery = delivery
    if (this.#refutes(content.have)) return
    const { map, have } = content
    for (const piece of have) this.#received.cache += map.sizeOf(piece)
    this.#sources = this.#newSources(delivery)
    this.#readers.attach(delivery.arrival)
    this.#events.onContent(content)
    if (this.#records.log.verified) delivery.verified()
    delivery.open()
    this.#onMoved()
  }

  #newDelivery(content: ArrivingContent): Delivery {
    const { names, verify } = this.#init
    return new Delivery(
      this.#components,
      { digest: names.digest, verify, content, readers: this.#readers, tasks: this.#tasks },
      {
        onPiece: (piece) => this.#events.onPiece(piece),
        onForgotten: (piece) => this.#sources?.download.reconsider(piece),
        onVerified: () => this.#sources?.download.trust(),
        onComplete: () => this.#onComplete(),
        onWrong: () => this.#records.doubt('digest'),
        onStepFailed: (err) => this.#onStepFailed(err),
        onRelieved: () => this.#onMoved(),
      },
    )
  }

  #newSources(delivery: Delivery): Sources {
    const { arrival } = delivery
    const { map } = arrival
    const target: DownloadTarget = {
      map,
      self: this.#init.self,
      hashOf: (piece) => this.#records.log.hashOf(piece),
      lacks: (piece) => !arrival.has(piece),
      scope: () => this.#readers.scope(arrival.scope),
      leftBytes: () => arrival.leftBytes,
      windows: (nowMs) => this.#readers.windows(arrival, nowMs, this.#sources?.download.pace),
      take: (piece, verified) => {
        const stored = delivery.take(piece, verified)
        this.#readers.look()
        return stored
      },
      trusted: () => this.#records.trusted,
      events: {
        onLooked: () => this.#readers.look(),
        onRoom: () => this.#onMoved(),
        onAgreed: () => this.#records.doubt('bytes'),
        onBroken: (err) => this.#fail(toAppError(err)),
        onReceived: (from, bytes) => {
          this.#received[from] += bytes
        },
        onLiar: (id, hello) => this.#onLiar(id, hello),
      },
    }
    const onFailed = (err: AppError) => this.#onStepFailed(err)
    const isKnown = (piece: number) => arrival.has(piece) || target.hashOf(piece) !== undefined
    const wanted = (share: number) => this.#readers.wanted(arrival, isKnown, share)
    const asked = { wanted, wantedClass: () => this.#readers.pullClass }
    return new Sources({ ...this.#components, background: this.#tasks }, { ...this.#init, ...asked, target, onFailed })
  }

  #onPieceRecord(piece: number): void {
    if (this.#refutes([piece])) return
    this.#sources?.download.reconsider(piece)
    this.#recordsSinceWake += 1
    const waited = this.#records.log.map !== undefined && this.#readers.waitsFor(piece, this.#records.log.map)
    if (waited || this.#recordsSinceWake >= RECORDS_PER_WAKE) this.#onMoved()
  }

  /** True when the pull ends, because pieces of an earlier run contradict the hashes of this one. */
  #refutes(pieces: Iterable<number>): boolean {
    const piece = this.#delivery?.arrival.contradicted(pieces, (each) => this.#records.log.hashOf(each))
    if (piece !== undefined) this.#fail(appError('METAINFO_DOUBTED', { detail: { piece } }))
    return piece !== undefined
  }

  /** What is worth fetching next has changed. */
  #onMoved(): void {
    if (!this.#readers.any) this.#delivery?.arrival.unread()
    if (this.#ended) return
    this.#recordsSinceWake = 0
    this.#sources?.wake()
  }

  #onComplete(): void {
    this.#complete = true
    this.#events.onComplete()
  }

  #onStepFailed(err: AppError): void {
    this.#lastFailure = err
    this.#components.logger.debug('a step of a pull failed', { digest: this.#init.names.digest, err })
  }

  #onLiar(id: string, hello?: PeerHello): void {
    this.#onStepFailed(appError('PIECE_INVALID', { detail: { from: id } }))
    if (id === HTTP) this.#sources?.distrust()
    else this.#events.onLiar(id, hello)
  }

  #fail(err: AppError): void {
    if (this.#ended) return
    this.#end(err)
    this.#delivery?.arrival.content.partial?.discard(err).catch((cause: unknown) => {
      this.#components.logger.warn('failed to discard a partial blob', { digest: this.#init.names.digest, err: cause })
    })
    this.#events.onFailed(err)
  }

  #end(err: AppError): void {
    this.#ended = true
    this.#lastFailure = err
    this.#header.reject(err)
    this.#readers.failAll(err)
    this.#records.stop()
    this.#sources?.stop()
    this.#delivery?.stop()
  }
}
