import type { Readable } from 'node:stream'
import { type AppError, appError, type Background, background } from '../../base/index.ts'
import {
  type BlobRef,
  type ByteRange,
  type MetaInfoHeader,
  type PeerAddress,
  type PeerId,
  type PeerInfo,
  type PeerRole,
  type SwarmId,
  swarmIdOf,
} from '../../core/index.ts'
import type { PeerReport, SeedRef } from '../outside.ts'
import type { PeerConnection, PeerHello } from '../peer/index.ts'
import { conducts } from './conducts.ts'
import { type Content, completeContent } from './content.ts'
import { type ConnectionCount, Dialer, type Prospect } from './dialer.ts'
import { PeerSet } from './peer-set.ts'
import { Pull } from './pull.ts'
import type { PullComponents } from './pull-contract.ts'
import { type BytesBySource, noBytes } from './pull-summary.ts'
import type { ReadOptions } from './reader.ts'
import { type RestingPeers, restingPeers } from './resting-peers.ts'
import type { UploadLane } from './upload-lane.ts'

export interface TorrentComponents extends Omit<PullComponents, 'conducts'> {
  readonly lane: UploadLane
  readonly connections: ConnectionCount
}

/** A blob to pull, or one that is complete in the store: then nothing is pulled. */
export type TorrentContent =
  | { readonly blob: BlobRef; readonly complete?: undefined }
  | { readonly blob: SeedRef; readonly complete: MetaInfoHeader }

export interface TorrentInit {
  readonly content: TorrentContent
  readonly self: { readonly peerId: PeerId; readonly role: PeerRole }
  readonly verify: 'pieces' | 'whole'
  /** What trackers say of this blob is doubted. */
  readonly direct: boolean
  dial(address: PeerAddress, header: MetaInfoHeader, signal: AbortSignal): Promise<PeerConnection>
  /** Banned, outside of the allowed networks, or ourselves. */
  avoids(peer: PeerInfo): boolean
}

/** What a torrent tells the engine; each call is one event. */
export interface TorrentEvents {
  /** The header is known and pieces are to be fetched. */
  onHeader(torrent: Torrent): void
  /** The content came with the header; the engine drops the torrent. */
  onInline(torrent: Torrent, header: MetaInfoHeader): void
  /** The blob is complete in the store. */
  onComplete(torrent: Torrent, header: MetaInfoHeader): void
  /** The pull failed for good; the engine drops the torrent. */
  onFailed(torrent: Torrent, blob: BlobRef, err: AppError): void
  /** The peer sent wrong bytes. */
  onLiar(hello: PeerHello): void
  /** The complete blob cannot be read; the engine forgets it. */
  onUnreadable(torrent: Torrent, err: AppError): void
}

/** When fewer peers than this are connected after the first answer, one extra announce is sent. */
const FEW_PEERS = 4

/** One blob and everybody who takes part in it: pulled until it is complete, given to peers all the while. */
export class Torrent {
  readonly blob: SeedRef
  readonly swarmId: SwarmId
  readonly #components: TorrentComponents
  readonly #init: TorrentInit
  readonly #events: TorrentEvents
  readonly #tasks: Background
  readonly #startedMs: number
  readonly #pull: Pull | undefined
  readonly #resting: RestingPeers
  readonly #conducts = conducts()
  #peers: PeerSet | undefined
  #dialer: Dialer | undefined
  #header: MetaInfoHeader | undefined
  /** Answers of trackers that came before anything could be dialled for. */
  #offered: readonly PeerInfo[] = []
  #answered = false
  #holders = 0
  #idleSinceMs: number

  constructor(components: TorrentComponents, init: TorrentInit, events: TorrentEvents) {
    const { content } = init
    this.blob = content.blob
    this.swarmId = swarmIdOf(content.blob.digest)
    this.#components = components
    this.#init = init
    this.#events = events
    this.#startedMs = components.clock.monotonicMs()
    this.#idleSinceMs = this.#startedMs
    this.#resting = restingPeers(components.limits, components.connections)
    this.#tasks = background((name, err) => components.logger.error('a task of a torrent failed', { name, err }))
    this.#header = content.complete
    if (content.complete === undefined) this.#pull = this.#newPull(content.blob)
    else this.#peers = this.#newPeers(completeContent(components.store, content.complete))
  }

  start(): void {
    this.#pull?.start()
  }

  /** Everything is in the store; nothing is pulled any more. */
  get complete(): boolean {
    return this.#pull === undefined || this.#pull.complete
  }

  /** Rejects with why none will come. */
  get header(): Promise<MetaInfoHeader> {
    const { complete } = this.#init.content
    if (complete !== undefined) return Promise.resolve(complete)
    return this.#pull?.header ?? Promise.reject(appError('BLOB_UNKNOWN'))
  }

  get received(): BytesBySource {
    return this.#pull?.received ?? noBytes
  }

  get lastStepFailed(): string | undefined {
    return this.#pull?.lastFailure?.code
  }

  /** What a tracker is told; 1 while the length is not known. */
  get leftBytes(): number {
    return this.#pull === undefined ? 0 : (this.#pull.leftBytes ?? 1)
  }

  /** How many peers a tracker should name. */
  get wantedPeers(): number {
    return this.complete ? 0 : this.#components.limits.maxConnectionsPerTorrentSoft
  }

  get underConnected(): boolean {
    return !this.complete && (this.#peers?.size ?? 0) < FEW_PEERS
  }

  get connections(): readonly PeerConnection[] {
    return [...(this.#peers ?? [])]
  }

  reports(): readonly PeerReport[] {
    return this.#peers?.reports() ?? []
  }

  /** True when it has no use: it is complete and has no peers, or is incomplete and no handle was open for a while. */
  isIdle(nowMs: number): boolean {
    if (this.#holders > 0) return false
    if (this.complete) return (this.#peers?.size ?? 0) === 0
    return nowMs - this.#idleSinceMs >= this.#components.limits.lingerMs
  }

  /** Keeps it from being paused; call the result once. */
  hold(): () => void {
    this.#holders += 1
    return () => {
      this.#holders -= 1
      this.#idleSinceMs = this.#components.clock.monotonicMs()
    }
  }

  /** The stream of an arriving blob. */
  read(range: ByteRange, options: ReadOptions, onFirstByte: () => void): Readable {
    if (this.#pull === undefined) throw appError('BLOB_UNKNOWN')
    return this.#pull.read(range, options, onFirstByte)
  }

  /** A tracker answered, best peers first. */
  offer(peers: readonly PeerInfo[]): void {
    this.#answered = true
    this.#offered = peers
    this.#dialer?.offer(peers)
    this.#connect()
  }

  /** No tracker answered. */
  unanswered(): void {
    this.#answered = true
    this.#pull?.climb()
  }

  /** Takes over a connection that was accepted for this swarm; it is paused while the partial blob is being opened. */
  accept(connection: PeerConnection): void {
    if (this.#peers !== undefined) this.#peers.add(connection)
    else this.#resting.rest(connection)
  }

  /** Closes the connection to the peer; one from another host that uses the same id stays. */
  removePeer({ peerId, address }: PeerHello, err: AppError): void {
    const member = this.connections.find(({ hello }) => hello.peerId === peerId)
    if (member?.hello.address.host === address.host) this.#peers?.remove(peerId, err)
  }

  /** To be called about ten times a second; `lateMs` is what the node itself came too late, and nobody's fault. */
  tick(nowMs: number, lateMs = 0): void {
    this.#connect()
    this.#peers?.tick(nowMs)
    this.#pull?.tick(nowMs, lateMs)
  }

  /** Ends readers with SHUTTING_DOWN and closes connections; what is verified stays on disk. */
  async stop(): Promise<void> {
    await this.#pull?.stop()
    this.#peers?.removeAll()
    for (const connection of this.#resting.awake()) connection.close()
    await this.#tasks.stop()
  }

  #newPull(blob: BlobRef): Pull {
    const { self, verify, direct } = this.#init
    return new Pull(
      { ...this.#components, conducts: this.#conducts },
      { blob, self: self.peerId, verify, direct, prospect: () => this.#prospect() },
      {
        onHeader: (header) => {
          this.#header = header
          this.#events.onHeader(this)
        },
        onInline: (header) => this.#events.onInline(this, header),
        onContent: (content) => this.#onContent(content),
        onPiece: (piece) => this.#peers?.announce(piece),
        onComplete: () => this.#onComplete(),
        onFailed: (err) => this.#events.onFailed(this, blob, err),
        onLiar: (id, hello) => this.#onLiar(id, hello),
      },
    )
  }

  #newPeers(content: Content): PeerSet {
    const { self } = this.#init
    const pull = this.#pull
    return new PeerSet(
      this.#components,
      { self, content, tasks: this.#tasks, conducts: this.#conducts },
      {
        onPeer: (connection) => pull?.download?.addPeer(connection),
        onGone: (id, gave) => {
          this.#dialer?.lost(id, gave)
          pull?.download?.removePeer(id)
          pull?.climb()
        },
        onHave: (id, piece) => pull?.download?.peerHas(id, piece),
        onChoke: (id) => pull?.download?.peerChoked(id),
        onSuggest: (id, piece) => pull?.download?.peerSuggests(id, piece),
        onUnreadable: (err) => {
          if (this.complete) this.#events.onUnreadable(this, err)
        },
      },
    )
  }

  #onContent(content: Content): void {
    this.#peers = this.#newPeers(content)
    this.#dialer = new Dialer(this.#components, {
      tasks: this.#tasks,
      dial: (address, signal) => this.#dial(address, signal),
      avoids: (peer) => this.#peers?.has(peer.peerId) === true || this.#init.avoids(peer),
      size: () => this.#peers?.size ?? 0,
      onConnection: (connection) => this.accept(connection),
      onSettled: () => {
        this.#connect()
        this.#pull?.climb()
      },
    })
    for (const connection of this.#resting.awake()) this.#peers.add(connection)
    this.#dialer.offer(this.#offered)
    this.#connect()
  }

  #dial(address: PeerAddress, signal: AbortSignal): Promise<PeerConnection> {
    const header = this.#header
    return header === undefined ? Promise.reject(appError('PEER_CLOSED')) : this.#init.dial(address, header, signal)
  }

  #connect(): void {
    if (this.complete) return
    this.#dialer?.fill()
    this.#pull?.climb()
  }

  #onComplete(): void {
    this.#peers?.completed()
    if (this.#header !== undefined) this.#events.onComplete(this, this.#header)
  }

  #onLiar(id: string, known?: PeerHello): void {
    const liar = known ?? this.connections.find(({ hello }) => hello.peerId === id)?.hello
    if (liar !== undefined) this.#events.onLiar(liar)
  }

  #prospect(): Prospect {
    const { clock, limits } = this.#components
    const named = this.#answered || clock.monotonicMs() - this.#startedMs >= limits.announcePatienceMs
    return this.#dialer?.prospect(named) ?? 'some'
  }
}
