import {
  type AbortOptions,
  type AppError,
  abortable,
  appError,
  type Background,
  background,
  type Clock,
  deadline,
  type Random,
  type Startable,
  type Timer,
  throwIfAborted,
} from '../../base/index.ts'
import {
  type Digest,
  type MetaInfoHeader,
  type PeerAddress,
  type PeerId,
  type PeerRole,
  PROTOCOL_VERSION,
  pieceLengthFor,
  type SwarmId,
  swarmIdOf,
} from '../../core/index.ts'
import type { BlobStore } from '../../store/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import { type SwarmLimits, swarmLimits } from '../limits.ts'
import type { Announcer, BlobRef, MetainfoSource, PieceSource } from '../outside.ts'
import {
  bufferBudget,
  completeContent,
  sliceCache,
  swarmMeters,
  type Torrent,
  type TorrentComponents,
  torrent,
} from '../torrent/index.ts'
import { type BlobHandle, blobHandle, type HandleSource } from './blob-handle.ts'
import { keepInline } from './inline-keeper.ts'
import { refusals } from './refusals.ts'
import { inlineBlob, storedBlob } from './resting-blob.ts'

export interface SwarmEngineComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly store: BlobStore
  readonly announcer: Announcer
  readonly metainfo: MetainfoSource
  readonly pieces: PieceSource
}

export interface SwarmEngineInit {
  readonly peerId: PeerId
  readonly role: PeerRole
  /** Where peers connect to; port 0 takes a free one. */
  readonly listen: PeerAddress
  /** Payload to peers, all torrents together; undefined means no limit. */
  readonly uploadBytesPerSecond?: number | undefined
  /** Payload from peers, all torrents together; undefined means no limit. */
  readonly downloadBytesPerSecond?: number | undefined
  /** `whole`: the digest is computed here too before the last bytes are given out. Default `pieces`. */
  readonly verify?: 'pieces' | 'whole' | undefined
  readonly limits?: Partial<SwarmLimits> | undefined
}

/** All blobs of one node: pulls them, gives them to readers while they arrive, and to other peers. */
export interface SwarmEngine extends Startable {
  /** Where it listens; known once started. */
  readonly address: PeerAddress
  /**
   * A hold on the blob, once its header is known; close it. A complete blob of the store never touches the network.
   * @throws BLOB_UNKNOWN, DIGEST_REFUSED, SOURCES_EXHAUSTED (nobody gave a header in time), METAINFO_FAILED,
   *   METAINFO_CONFLICT, SHUTTING_DOWN, ABORTED
   */
  open(blob: BlobRef, options?: AbortOptions): Promise<BlobHandle>
  /** A complete blob of `size` bytes is in the store: it is announced and given to peers. Idempotent. */
  seed(blob: BlobRef, size: number): void
  /** The blob is no longer in the store. Idempotent. */
  forget(digest: Digest): void
}

export function swarmEngine(components: SwarmEngineComponents, init: SwarmEngineInit): SwarmEngine {
  return new Engine(components, init)
}

interface Seed {
  readonly blob: BlobRef
  readonly size: number
}

const TICK_MS = 100

class Engine implements SwarmEngine {
  readonly #components: SwarmEngineComponents
  readonly #init: SwarmEngineInit
  readonly #limits: SwarmLimits
  readonly #shared: TorrentComponents
  readonly #refusals
  readonly #torrents = new Map<SwarmId, Torrent>()
  readonly #seeds = new Map<SwarmId, Seed>()
  #tasks: Background
  #timer: Timer | undefined
  #running = false

  constructor(components: SwarmEngineComponents, init: SwarmEngineInit) {
    this.#components = components
    this.#init = init
    this.#limits = { ...swarmLimits, ...init.limits }
    this.#refusals = refusals(components.clock, this.#limits)
    this.#tasks = this.#newTasks()
    this.#shared = {
      ...components,
      limits: this.#limits,
      meters: swarmMeters(components.metrics),
      budget: bufferBudget(this.#limits.pieceBufferBytes),
      slices: sliceCache(this.#limits.sliceCacheBytes),
    }
  }

  get address(): PeerAddress {
    return this.#init.listen
  }

  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#tasks = this.#newTasks()
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    this.#timer?.cancel()
    this.#timer = undefined
    const torrents = [...this.#torrents.values()]
    this.#torrents.clear()
    await Promise.all(torrents.map((running) => running.stop()))
    await this.#tasks.stop()
  }

  async open(blob: BlobRef, options: AbortOptions = {}): Promise<BlobHandle> {
    throwIfAborted(options.signal)
    this.#refuseUnlessRunning()
    const { clock } = this.#components
    const openedMs = clock.monotonicMs()
    this.#refusals.check(blob)
    const running = this.#torrents.get(swarmIdOf(blob.digest))
    const source =
      running === undefined
        ? ((await this.#openStored(blob.digest)) ?? (await this.#openTorrent(blob, options)))
        : await this.#openTorrent(blob, options)
    return blobHandle(clock, source, openedMs)
  }

  seed(blob: BlobRef, size: number): void {
    this.#seeds.set(swarmIdOf(blob.digest), { blob, size })
  }

  forget(digest: Digest): void {
    this.#seeds.delete(swarmIdOf(digest))
  }

  async #openStored(digest: Digest): Promise<HandleSource | undefined> {
    const { store } = this.#components
    const close = store.lease(digest)
    const stored = await store.stat(digest).catch((err: unknown) => {
      close()
      throw err
    })
    if (stored !== undefined) {
      const header = headerOf(digest, stored.size)
      return storedBlob(this.#shared.slices, { header, content: completeContent(store, header), close })
    }
    close()
    return undefined
  }

  async #openTorrent(blob: BlobRef, options: AbortOptions): Promise<HandleSource> {
    this.#refuseUnlessRunning()
    const running = this.#torrents.get(swarmIdOf(blob.digest)) ?? this.#startTorrent(blob)
    const release = running.hold()
    try {
      const header = await this.#awaitHeader(running, options)
      if (header.data !== undefined) {
        release()
        return inlineBlob(header, header.data)
      }
      return {
        header,
        get received() {
          return running.received
        },
        get lastStepFailed() {
          return running.lastStepFailed
        },
        read: (range, readOptions, onFirstByte) => running.read(range, readOptions, onFirstByte),
        close: release,
      }
    } catch (err) {
      release()
      throw err
    }
  }

  async #awaitHeader(running: Torrent, { signal }: AbortOptions): Promise<MetaInfoHeader> {
    const limit = deadline(this.#components.clock, this.#limits.headerTimeoutMs, signal)
    try {
      return await abortable(running.header, limit.signal)
    } catch (err) {
      if (!limit.expired) throw err
      throw appError('SOURCES_EXHAUSTED', { cause: err, detail: { lastStepFailed: running.lastStepFailed } })
    } finally {
      limit.release()
    }
  }

  #startTorrent(blob: BlobRef): Torrent {
    const { peerId, verify = 'pieces' } = this.#init
    const running = torrent(
      this.#shared,
      { blob, self: peerId, verify },
      {
        onInline: (ended, header) => this.#onInline(ended, header),
        onComplete: (ended) => this.#onComplete(ended),
        onFailed: (ended, err) => this.#onFailed(ended, err),
      },
    )
    this.#torrents.set(running.swarmId, running)
    this.#scheduleTick()
    return running
  }

  /** The content came with the header: there is nothing to pull. */
  #onInline(ended: Torrent, header: MetaInfoHeader): void {
    this.#shared.meters.received.origin.add(header.length)
    keepInline({ ...this.#components, background: this.#tasks }, header)
    this.#drop(ended)
  }

  #onComplete(ended: Torrent): void {
    void ended
  }

  #onFailed(ended: Torrent, err: AppError): void {
    if (err.code === 'BLOB_UNKNOWN') this.#refusals.unknown(ended.blob)
    if (err.code === 'METAINFO_FAILED') this.#refusals.wrong(ended.blob.digest)
    this.#drop(ended)
  }

  #drop(ended: Torrent): void {
    if (this.#torrents.get(ended.swarmId) === ended) this.#torrents.delete(ended.swarmId)
    this.#tasks.run('stop-torrent', () => ended.stop())
  }

  #scheduleTick(): void {
    this.#shared.meters.torrents.set(this.#torrents.size)
    if (this.#timer !== undefined || this.#torrents.size === 0) return
    this.#timer = this.#components.clock.setTimer(TICK_MS, () => this.#tick())
  }

  #tick(): void {
    this.#timer = undefined
    const nowMs = this.#components.clock.monotonicMs()
    for (const running of [...this.#torrents.values()]) {
      if (running.idleSinceMs !== undefined && nowMs - running.idleSinceMs >= this.#limits.lingerMs) this.#drop(running)
      else running.tick(nowMs)
    }
    this.#scheduleTick()
  }

  #refuseUnlessRunning(): void {
    if (!this.#running) throw appError('SHUTTING_DOWN')
  }

  #newTasks(): Background {
    const { logger } = this.#components
    return background((name, err) => logger.error('a task of the swarm failed', { name, err }))
  }
}

function headerOf(digest: Digest, length: number): MetaInfoHeader {
  return { v: PROTOCOL_VERSION, digest, length, pieceLength: pieceLengthFor(length) }
}
