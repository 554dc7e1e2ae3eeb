import {
  type AbortOptions,
  appError,
  type Background,
  background,
  type FairBucket,
  throwIfAborted,
  type Wheel,
  wheel,
} from '../../base/index.ts'
import type { BlobRef, ByteRange, Digest, MetaInfoHeader, PeerAddress, PeerId, SwarmId } from '../../core/index.ts'
import type { HeldPartial, PartialBlob } from '../../store/index.ts'
import { type AnnounceSchedule, announceSchedule } from '../announce/index.ts'
import { type SwarmLimits, swarmLimits } from '../limits.ts'
import type { AnnouncingNode, HttpAdmission, SeedRef } from '../outside.ts'
import {
  type ConnectionCount,
  type OnWanted,
  overflowShares,
  PullWatch,
  piecePool,
  type SliceCache,
  type SwarmMeters,
  silentTrace,
  sliceCache,
  swarmMeters,
  uploadLane,
  type WarmPieces,
  warmPieces,
} from '../torrent/index.ts'
import { allowedPeers, type HostRule } from './allowed-peers.ts'
import { awaitHeader } from './await-header.ts'
import { type BanList, banList } from './ban-list.ts'
import { type BlobHandle, blobHandle, type HandleSource } from './blob-handle.ts'
import type {
  ArrivingSeed,
  OpenOptions,
  SwarmEngine,
  SwarmEngineComponents,
  SwarmEngineInit,
} from './engine-contract.ts'
import { foreignNames } from './foreign-names.ts'
import { type MeteredUploads, meteredUploads } from './metered-uploads.ts'
import { nodeRate } from './node-rate.ts'
import { type PeerGate, peerGate } from './peer-gate.ts'
import { type Refusals, refusals } from './refusals.ts'
import { inlineBlob, pulledBlob, storedBlob } from './resting-blob.ts'
import { tableOf } from './settable-limits.ts'
import { type TorrentSnapshot, torrentSnapshot } from './snapshot.ts'
import { TorrentTable } from './torrent-table.ts'

/** @throws CONFIG_INVALID for an invalid CIDR in `allowedPeers` */
export function swarmEngine(components: SwarmEngineComponents, init: SwarmEngineInit): SwarmEngine {
  return new Engine(components, init)
}

class Engine implements SwarmEngine {
  readonly #components: SwarmEngineComponents
  readonly #init: SwarmEngineInit
  /** Only `limits.set` changes it; all parts read it each time. */
  readonly #limits: { -readonly [K in keyof SwarmLimits]: number }
  readonly uploads: MeteredUploads
  readonly downloads: FairBucket
  readonly limits: SwarmEngine['limits']
  readonly #allows: HostRule
  readonly #meters: SwarmMeters
  readonly #warm: WarmPieces
  readonly #slices: SliceCache
  readonly #refusals: Refusals
  readonly #bans: BanList
  readonly #schedule: AnnounceSchedule
  readonly #connections: ConnectionCount = { open: 0, links: 0, halfOpen: 0, leaving: 0 }
  readonly #gate: PeerGate
  #wheel: Wheel
  #tasks: Background
  #table: TorrentTable
  #running = false

  constructor(components: SwarmEngineComponents, init: SwarmEngineInit) {
    this.#components = components
    this.#init = init
    this.#limits = { ...swarmLimits, ...tableOf(init.settable ?? {}), ...init.limits }
    this.limits = {
      set: (changed) => {
        Object.assign(this.#limits, tableOf(changed))
        this.#gate.makeRoom()
      },
    }
    const { clock } = components
    const uploads = nodeRate(clock, this.#limits, init.uploadBytesPerSecond)
    this.uploads = meteredUploads(clock, uploads, init.uploadBytesPerSecond)
    this.downloads = nodeRate(clock, this.#limits, init.downloadBytesPerSecond)
    this.#allows = allowedPeers(init.allowedPeers)
    this.#meters = swarmMeters(components.metrics)
    this.#warm = warmPieces(Math.min(this.#limits.warmPieceBytes, this.#limits.pieceBufferBytes / 2))
    this.#slices = sliceCache(this.#limits.sliceCacheBytes, this.#warm)
    this.#refusals = refusals(components.clock, this.#limits)
    this.#bans = banList(components.clock, this.#limits)
    const { foreign } = components
    this.#gate = peerGate(
      { ...components, foreign: foreign && foreignNames(components.clock, foreign) },
      {
        ...init,
        allows: this.#allows,
        admit: (swarmId) => this.#admit(swarmId),
        onPeer: (swarmId, connection) => this.#table.accept(swarmId, connection),
        room: () => this.#table.room,
        maxLinks: () => this.#limits.maxConnections,
        count: this.#connections,
      },
    )
    const { role } = init
    this.#schedule = announceSchedule(components, {
      self: () => this.#node,
      // Blobs come to an origin because somebody pushes them or waits for them.
      seedsAwaited: role === 'origin',
    })
    this.#wheel = wheel(components.clock)
    this.#tasks = this.#newTasks()
    this.#table = this.#newTable()
  }

  get #node(): AnnouncingNode {
    const { peerId, role } = this.#init
    return { peerId, role, ...this.#gate.address, spareBytesPerSecond: this.uploads.spareBytesPerSecond }
  }

  get address(): PeerAddress {
    return this.#gate.address
  }

  async start(): Promise<void> {
    if (this.#running) return
    await this.#gate.start()
    await this.#schedule.start()
    this.#table.start()
    this.#running = true
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    await this.#gate.stop()
    await this.#schedule.stop()
    await this.#table.stop()
    await this.#tasks.stop()
    this.#wheel = wheel(this.#components.clock)
    this.#tasks = this.#newTasks()
    this.#table = this.#newTable()
  }

  async open(blob: BlobRef, options: OpenOptions = {}): Promise<BlobHandle> {
    throwIfAborted(options.signal)
    this.#refuseUnlessRunning()
    const { clock, store } = this.#components
    const openedMs = clock.monotonicMs()
    const watch = new PullWatch({ clock, wheel: this.#wheel }, options.trace ?? silentTrace)
    for (;;) {
      this.#refusals.check(blob)
      watch.turn('disk')
      const isPulled = this.#table.pulling(blob.digest) !== undefined
      const stored = isPulled ? undefined : await storedBlob(store, this.#slices, blob.digest)
      if (stored === undefined) watch.turn('metainfo')
      const source = stored ?? (await this.#openPull(blob, options))
      if (source !== undefined) return blobHandle(clock, { source, openedMs, watch })
    }
  }

  seed(blob: SeedRef, size: number): void {
    this.#table.seed(blob, size)
  }

  seedPart(part: HeldPartial): void {
    this.#table.seedPart(part)
  }

  arriving(blob: SeedRef, partial: PartialBlob, onWanted?: OnWanted): ArrivingSeed {
    return this.#table.arriving(blob, partial, onWanted)
  }

  forget(digest: Digest): void {
    this.#table.forget(digest)
    this.#slices.forget(digest)
  }

  admitOverHttp(digest: Digest, agent: PeerId, range: ByteRange): HttpAdmission | undefined {
    return this.#running ? this.#table.admitOverHttp(digest, agent, range) : undefined
  }

  snapshot(): readonly TorrentSnapshot[] {
    return [...this.#table].map(torrentSnapshot)
  }

  /** The header for a peer that comes; undefined when the swarm is not known here, or not given. */
  async #admit(swarmId: SwarmId): Promise<MetaInfoHeader | undefined> {
    const header = await this.#table.headerOf(swarmId)
    const { gives } = this.#init
    if (header === undefined || gives === undefined) return header
    return (await gives.givesBlob(header.digest)) ? header : undefined
  }

  /** Undefined when another pull of the blob got ahead: then its bytes are here or on their way. */
  async #openPull(blob: BlobRef, options: AbortOptions): Promise<HandleSource | undefined> {
    this.#refuseUnlessRunning()
    const torrent = this.#table.pull(blob)
    const release = torrent.hold()
    try {
      const header = await awaitHeader(this.#components.clock, torrent, {
        ...options,
        timeoutMs: this.#limits.headerTimeoutMs,
      })
      if (header.data === undefined && this.#table.has(torrent)) return pulledBlob(torrent, header, release)
      release()
      return header.data && inlineBlob(header, header.data)
    } catch (err) {
      release()
      throw err
    }
  }

  #newTable(): TorrentTable {
    const { peerId, role, zone, verify = 'whole', gives } = this.#init
    const components = {
      ...this.#components,
      wheel: this.#wheel,
      limits: this.#limits,
      meters: this.#meters,
      slices: this.#slices,
      warm: this.#warm,
      overflows: overflowShares(this.#limits.overflowBytes),
      refusals: this.#refusals,
      bans: this.#bans,
      schedule: this.#schedule,
      tasks: this.#tasks,
      connections: this.#connections,
      buffers: piecePool({ maxBytes: this.#limits.pieceBufferBytes, spare: () => this.#warm.spare() }),
      downloads: this.downloads,
      lane: uploadLane(this.uploads, this.#limits.uploadQueueBytes),
    }
    return new TorrentTable(components, {
      self: { peerId, role, zone },
      verify,
      gives: (blob) => gives?.gives(blob) !== false,
      node: () => this.#node,
      allows: this.#allows,
      dialsForeign: this.#components.foreign !== undefined,
      dial: (target, options) => this.#gate.dial(target, options),
      reaches: (peer) => this.#gate.reaches(peer),
    })
  }

  #refuseUnlessRunning(): void {
    if (!this.#running) throw appError('SHUTTING_DOWN')
  }

  #newTasks(): Background {
    const { logger } = this.#components
    return background((name, err) => logger.error('a task of the swarm failed', { name, err }))
  }
}
