import {
  type AbortOptions,
  abortable,
  appError,
  type Background,
  background,
  type Clock,
  deadline,
  type Random,
  type Startable,
  type TokenBucket,
  throwIfAborted,
  tokenBucket,
} from '../../base/index.ts'
import type { BlobRef, Digest, MetaInfoHeader, PeerAddress, PeerId, PeerRole } from '../../core/index.ts'
import type { PieceDigester } from '../../metainfo/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import { type AnnounceSchedule, announceSchedule } from '../announce/index.ts'
import { type SwarmLimits, swarmLimits } from '../limits.ts'
import type { Announcer, MetainfoSource, PieceSource, SeedRef, SwarmStore } from '../outside.ts'
import type { PeerProver, PeerTransport } from '../peer/index.ts'
import {
  bufferPool,
  completeContent,
  type SliceCache,
  type SwarmMeters,
  sliceCache,
  swarmMeters,
  type Torrent,
  uploadLane,
  type WarmPieces,
  warmPieces,
} from '../torrent/index.ts'
import { allowedPeers, type HostRule } from './allowed-peers.ts'
import { type BanList, banList } from './ban-list.ts'
import { type BlobHandle, blobHandle, type HandleSource } from './blob-handle.ts'
import { type PeerGate, peerGate } from './peer-gate.ts'
import { type Refusals, refusals } from './refusals.ts'
import { inlineBlob, pulledBlob, storedBlob } from './resting-blob.ts'
import { type TorrentSnapshot, torrentSnapshot } from './snapshot.ts'
import { headerOf, TorrentTable } from './torrent-table.ts'

export interface SwarmEngineComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly store: SwarmStore
  readonly announcer: Announcer
  readonly metainfo: MetainfoSource
  readonly pieces: PieceSource
  readonly transport: PeerTransport
  /** Undefined lets every peer in that knows the swarm. */
  readonly prover?: PeerProver | undefined
  /** Checks pieces and whole blobs; started and stopped by its owner. */
  readonly digester: Pick<PieceDigester, 'digest' | 'running'>
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
  /**
   * `whole`, the default: the digest is computed here before the last bytes of a whole body are given out and before the
   * blob is kept as complete. `pieces` believes the metainfo; for measuring.
   */
  readonly verify?: 'pieces' | 'whole' | undefined
  /** Peers outside of these CIDRs are neither dialled nor let in; undefined lets everybody. */
  readonly allowedPeers?: readonly string[] | undefined
  readonly limits?: Partial<SwarmLimits> | undefined
}

/** All blobs of one node: pulls them, gives them to readers while they arrive, and to other peers. */
export interface SwarmEngine extends Startable {
  /** Where it listens; known once started. */
  readonly address: PeerAddress
  /**
   * A hold on the blob, once its header is known; close it. A complete blob of the store never touches the network.
   * @throws BLOB_UNKNOWN, NO_BACKEND_RULE, DIGEST_REFUSED, SOURCES_EXHAUSTED (nobody gave a header in time),
   *   METAINFO_FAILED, METAINFO_DOUBTED, METAINFO_CONFLICT, SHUTTING_DOWN, ABORTED
   */
  open(blob: BlobRef, options?: AbortOptions): Promise<BlobHandle>
  /** A complete blob of `size` bytes is in the store: it is announced and given to peers. Idempotent. */
  seed(blob: SeedRef, size: number): void
  /** The blob is no longer in the store. Idempotent. */
  forget(digest: Digest): void
  /** The rate of all that this node gives to peers. Blobs that it gives over HTTP pass it as well. */
  readonly uploads: TokenBucket
  /** What runs now, for an admin's eye. */
  snapshot(): readonly TorrentSnapshot[]
}

/** @throws CONFIG_INVALID for a CIDR that is none */
export function swarmEngine(components: SwarmEngineComponents, init: SwarmEngineInit): SwarmEngine {
  return new Engine(components, init)
}

/** The rate is enforced over short times, so that a pause does not end in a burst. */
const BURST_SHARE = 0.1
const MIN_BURST = 1024 * 1024

class Engine implements SwarmEngine {
  readonly #components: SwarmEngineComponents
  readonly #init: SwarmEngineInit
  readonly #limits: SwarmLimits
  readonly uploads: TokenBucket
  readonly #allows: HostRule
  readonly #meters: SwarmMeters
  readonly #warm: WarmPieces
  readonly #slices: SliceCache
  readonly #refusals: Refusals
  readonly #bans: BanList
  readonly #schedule: AnnounceSchedule
  readonly #gate: PeerGate
  #tasks: Background
  #table: TorrentTable
  #running = false

  constructor(components: SwarmEngineComponents, init: SwarmEngineInit) {
    this.#components = components
    this.#init = init
    this.#limits = { ...swarmLimits, ...init.limits }
    this.uploads = this.#rate(init.uploadBytesPerSecond)
    this.#allows = allowedPeers(init.allowedPeers)
    this.#meters = swarmMeters(components.metrics)
    this.#warm = warmPieces(Math.min(this.#limits.warmPieceBytes, this.#limits.pieceBufferBytes / 2))
    this.#slices = sliceCache(this.#limits.sliceCacheBytes, this.#warm)
    this.#refusals = refusals(components.clock, this.#limits)
    this.#bans = banList(components.clock, this.#limits)
    this.#schedule = announceSchedule(components)
    this.#gate = peerGate(components, {
      ...init,
      allows: this.#allows,
      admit: (swarmId) => this.#table.headerOf(swarmId),
      onPeer: (swarmId, connection) => this.#table.accept(swarmId, connection),
      room: () => this.#table.room,
    })
    this.#tasks = this.#newTasks()
    this.#table = this.#newTable()
  }

  get address(): PeerAddress {
    return this.#gate.address
  }

  async start(): Promise<void> {
    if (this.#running) return
    await this.#gate.start()
    await this.#schedule.start()
    this.#running = true
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    await this.#gate.stop()
    await this.#schedule.stop()
    await this.#table.stop()
    await this.#tasks.stop()
    this.#tasks = this.#newTasks()
    this.#table = this.#newTable()
  }

  async open(blob: BlobRef, options: AbortOptions = {}): Promise<BlobHandle> {
    throwIfAborted(options.signal)
    this.#refuseUnlessRunning()
    const { clock } = this.#components
    const openedMs = clock.monotonicMs()
    this.#refusals.check(blob)
    const stored = this.#table.pulling(blob.digest) === undefined ? await this.#openStored(blob.digest) : undefined
    return blobHandle(clock, stored ?? (await this.#openPull(blob, options)), openedMs)
  }

  seed(blob: SeedRef, size: number): void {
    this.#table.seed(blob, size)
  }

  forget(digest: Digest): void {
    this.#table.forget(digest)
  }

  snapshot(): readonly TorrentSnapshot[] {
    return [...this.#table].map(torrentSnapshot)
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
      return storedBlob(this.#slices, { header, content: completeContent(store, header), close })
    }
    close()
    return undefined
  }

  async #openPull(blob: BlobRef, options: AbortOptions): Promise<HandleSource> {
    this.#refuseUnlessRunning()
    const torrent = this.#table.pull(blob)
    const release = torrent.hold()
    try {
      const header = await this.#awaitHeader(torrent, options)
      if (header.data === undefined) return pulledBlob(torrent, header, release)
      release()
      return inlineBlob(header, header.data)
    } catch (err) {
      release()
      throw err
    }
  }

  async #awaitHeader(torrent: Torrent, { signal }: AbortOptions): Promise<MetaInfoHeader> {
    const limit = deadline(this.#components.clock, this.#limits.headerTimeoutMs, signal)
    try {
      return await abortable(torrent.header, limit.signal)
    } catch (err) {
      if (!limit.expired) throw err
      throw appError('SOURCES_EXHAUSTED', { cause: err, detail: { lastStepFailed: torrent.lastStepFailed } })
    } finally {
      limit.release()
    }
  }

  #newTable(): TorrentTable {
    const { peerId, role, verify = 'whole', downloadBytesPerSecond } = this.#init
    const components = {
      ...this.#components,
      limits: this.#limits,
      meters: this.#meters,
      slices: this.#slices,
      warm: this.#warm,
      refusals: this.#refusals,
      bans: this.#bans,
      schedule: this.#schedule,
      tasks: this.#tasks,
      connections: { open: 0, halfOpen: 0 },
      buffers: bufferPool(this.#limits.pieceBufferBytes, this.#limits.pieceBufferBytes, true),
      downloads: this.#rate(downloadBytesPerSecond),
      lane: uploadLane(this.uploads, this.#limits.uploadQueueBytes),
    }
    return new TorrentTable(components, {
      self: { peerId, role },
      verify,
      allows: this.#allows,
      dial: (target, options) => this.#gate.dial(target, options),
    })
  }

  #rate(ratePerSecond: number | undefined): TokenBucket {
    const burst = Math.max(MIN_BURST, (ratePerSecond ?? 0) * BURST_SHARE)
    return tokenBucket(this.#components.clock, { ratePerSecond, burst })
  }

  #refuseUnlessRunning(): void {
    if (!this.#running) throw appError('SHUTTING_DOWN')
  }

  #newTasks(): Background {
    const { logger } = this.#components
    return background((name, err) => logger.error('a task of the swarm failed', { name, err }))
  }
}
