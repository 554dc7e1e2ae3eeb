import type { Readable } from 'node:stream'
import { type AppError, appError, type Background, background } from '../../base/index.ts'
import {
  type BlobRef,
  type ByteRange,
  type MetaInfoHeader,
  type PeerId,
  type PeerInfo,
  type SwarmId,
  swarmIdOf,
} from '../../core/index.ts'
import type { HttpAdmission, PeerReport, SeedRef } from '../outside.ts'
import type { PeerConnection, PeerHello } from '../peer/index.ts'
import { Given } from './given.ts'
import { Contacts, FEW_PEERS } from './meet/contacts.ts'
import { type RestingPeers, restingPeers } from './meet/resting-peers.ts'
import { peerEvents } from './peer-events.ts'
import { Pull } from './pull.ts'
import type { ReadOptions } from './read/reader.ts'
import { PeerSet } from './serve/peer-set.ts'
import { type AskedNames, askedNames } from './shared/asked-names.ts'
import { conducts, noteUnreachable } from './shared/conducts.ts'
import type { Content } from './shared/content.ts'
import { type BytesBySource, noBytes } from './shared/pull-summary.ts'
import type { PullWatch } from './shared/pull-trace.ts'
import type { SourceRecord } from './shared/source-record.ts'
import type { TorrentComponents, TorrentEvents, TorrentInit } from './torrent-contract.ts'
import { Usefulness } from './usefulness.ts'

/** One blob and everybody who takes part in it: pulled until it is complete, or only given; given to peers all the while. */
export class Torrent {
  readonly blob: SeedRef
  readonly swarmId: SwarmId
  /** Undefined when it is pulled. */
  readonly given: Given | undefined
  readonly #components: TorrentComponents
  readonly #init: TorrentInit
  readonly #events: TorrentEvents<Torrent>
  readonly #tasks: Background
  readonly #pull: Pull | undefined
  readonly #resting: RestingPeers
  readonly #conducts = conducts()
  readonly #names: AskedNames | undefined
  readonly #use: Usefulness
  #peers: PeerSet | undefined
  readonly #contacts: Contacts
  #header: MetaInfoHeader | undefined

  constructor(components: TorrentComponents, init: TorrentInit, events: TorrentEvents<Torrent>) {
    const { blob, given } = init.content
    this.blob = blob
    this.swarmId = swarmIdOf(blob.digest)
    this.#components = components
    this.#init = init
    this.#events = events
    this.#use = new Usefulness(components, {
      complete: () => this.complete,
      peers: () => (this.#peers?.size ?? 0) + this.#resting.size,
      onUseless: () => events.onUseless(this, this.#header),
    })
    this.#resting = restingPeers(components.limits, components.connections)
    this.#tasks = background((name, err) => components.logger.error('a task of a torrent failed', { name, err }))
    this.#contacts = this.#newContacts()
    this.#header = given?.header
    if (given === undefined) {
      this.#names = askedNames(blob)
      this.#pull = this.#newPull(this.#names)
    } else {
      this.given = new Given(components, given, {
        ...{ tasks: this.#tasks, hold: () => this.hold(), onContent: (content) => this.#onContent(content) },
        ...{ onWhole: () => this.#peers?.completed(), onUnreadable: (err) => events.onUnreadable(this, err) },
      })
    }
  }

  start(): void {
    this.#pull?.start()
    this.given?.start()
    this.#use.see()
  }

  /** Nothing is pulled, or nothing any more. */
  get complete(): boolean {
    return this.#pull === undefined || this.#pull.complete
  }

  /** Rejects with why none will come. */
  get header(): Promise<MetaInfoHeader> {
    if (this.given !== undefined) return Promise.resolve(this.given.header)
    return this.#pull?.header ?? Promise.reject(appError('BLOB_UNKNOWN'))
  }

  get received(): BytesBySource {
    return this.#pull?.received ?? noBytes
  }

  /** What each peer has given and failed to give. */
  get sources(): readonly SourceRecord[] {
    return this.#pull?.sources ?? []
  }

  get lastStepFailed(): string | undefined {
    return this.#pull?.lastFailure?.code
  }

  /** What a tracker is told; 1 while the length is not known. */
  get leftBytes(): number {
    return this.given?.leftBytes ?? this.#pull?.leftBytes ?? 1
  }

  /** A piece has come, by other ways than the swarm. */
  arrived(piece: number): void {
    this.#peers?.announce(piece)
  }

  /** How many peers a tracker should name. */
  get wantedPeers(): number {
    return this.complete ? 0 : this.#components.limits.maxConnectionsPerTorrentSoft
  }

  /** A tracker was told of this download with the request for the metainfo, and may still answer that. */
  get introducing(): boolean {
    return this.#pull?.introducing === true && !this.#contacts.named
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

  /** An agent asks this origin over HTTP for these bytes; undefined when agents get everything they ask for. */
  admitOverHttp(agent: PeerId, range: ByteRange): HttpAdmission | undefined {
    this.#use.asked()
    return this.#peers?.admitOverHttp(agent, range)
  }

  /** The header has come. */
  get known(): boolean {
    return this.#header !== undefined
  }

  /** The blob under the name that is asked now; undefined when nothing is pulled. */
  get asked(): BlobRef | undefined {
    return this.complete ? undefined : this.#names?.current
  }

  /** The blob is asked for under this name too. */
  join(blob: BlobRef): this {
    this.#names?.add(blob)
    return this
  }

  /** Keeps it from being paused; call the result once. */
  hold(): () => void {
    return this.#use.hold()
  }

  /** The stream of an arriving blob. */
  read(range: ByteRange, options: ReadOptions, watch: PullWatch): Readable {
    if (this.#pull === undefined) throw appError('BLOB_UNKNOWN')
    return this.#pull.read(range, options, watch)
  }

  /** A tracker answered, best peers first. */
  offer(peers: readonly PeerInfo[]): void {
    this.#contacts.offer(peers)
    this.#peers?.named()
    this.#connect()
  }

  /** No tracker answered. */
  unanswered(): void {
    this.#contacts.unanswered()
    this.#pull?.climb()
  }

  /** Takes over a connection of this swarm; it is paused while the partial blob is being opened. */
  accept(connection: PeerConnection): void {
    if (this.#peers !== undefined) this.#peers.add(connection)
    else this.#resting.rest(connection)
  }

  /** Closes the connection to the peer, unless it is another one that uses the same id. */
  removePeer(peer: PeerHello, err: AppError): void {
    this.#peers?.removeAt(peer, err)
  }

  /** Ends readers with SHUTTING_DOWN and closes connections; what is verified stays on disk. */
  async stop(): Promise<void> {
    this.#contacts.stop()
    this.#use.stop()
    await this.#pull?.stop()
    this.#peers?.removeAll()
    for (const connection of this.#resting.awake()) connection.close()
    await this.#tasks.stop()
  }

  #newPull(names: AskedNames): Pull {
    const { self, verify, direct, asker } = this.#init
    return new Pull(
      { ...this.#components, conducts: this.#conducts },
      {
        names,
        self: self.peerId,
        verify,
        direct,
        asker,
        ...{ prospect: () => this.#contacts.prospect, anyone: () => this.#contacts.anyone },
        onNamed: (peers) => this.#contacts.hint(peers),
        onTold: (peers) => this.#contacts.told(peers),
        onPeers: (named) => this.#init.onPeers(named),
      },
      {
        onHeader: (header) => {
          this.#header = header
          this.#events.onHeader(this)
          // Peers are dialled while the disk makes room for the blob.
          this.#contacts.open()
          this.#connect()
        },
        onInline: (header) => this.#events.onInline(this, header),
        onContent: (content) => this.#onContent(content),
        onPiece: (piece) => this.#peers?.announce(piece),
        onComplete: () => this.#onComplete(),
        onFailed: (err) => this.#events.onFailed(this, names.current, err),
        onLiar: (id, hello) => this.#onLiar(id, hello),
      },
    )
  }

  #newPeers(content: Content): PeerSet {
    const ring = this.given === undefined ? this.#components.ring : this.given.sharedBy(this.#components.ring)
    return new PeerSet(
      { ...this.#components, ring },
      {
        ...{ self: this.#init.self, digest: this.blob.digest, content, wants: this.#pull !== undefined },
        gives: () => this.#init.gives(this.blob),
        ...{ tasks: this.#tasks, conducts: this.#conducts, isNamed: (id) => this.#contacts.isNamed(id) },
      },
      peerEvents({
        ...{ pull: this.#pull, given: this.given, contacts: this.#contacts, use: this.#use },
        onNamed: () => this.#connect(),
        onUnreadable: (err) => {
          if (this.complete) this.#events.onUnreadable(this, err)
        },
      }),
    )
  }

  #newContacts(): Contacts {
    return new Contacts(this.#components, {
      tasks: this.#tasks,
      dial: (peer, signal) => this.#dial(peer, signal),
      reaches: (peer) => this.#init.reaches(peer),
      avoids: (peer) => this.#peers?.has(peer.peerId) === true || this.#init.avoids(peer),
      size: () => (this.#peers?.size ?? 0) + this.#resting.size,
      onConnection: (connection) => this.accept(connection),
      onSettled: () => this.#connect(),
    })
  }

  #onContent(content: Content): void {
    this.#peers = this.#newPeers(content)
    for (const connection of this.#resting.awake()) this.#peers.add(connection)
    this.#connect()
  }

  async #dial(peer: PeerInfo, signal: AbortSignal): Promise<PeerConnection> {
    const header = this.#header
    if (header === undefined) throw appError('PEER_CLOSED')
    return noteUnreachable(this.#conducts, peer.peerId, this.#init.dial(peer, header, signal))
  }

  #connect(): void {
    if (this.complete) return
    this.#contacts.fill()
    this.#pull?.climb()
  }

  #onComplete(): void {
    this.#peers?.completed()
    if (this.#header !== undefined) this.#events.onComplete(this, this.#header)
    this.#contacts.stop()
    this.#use.see()
  }

  #onLiar(id: string, known?: PeerHello): void {
    const liar = known ?? this.connections.find(({ hello }) => hello.peerId === id)?.hello
    if (liar === undefined) return
    this.#conducts.lied(liar.peerId)
    this.#events.onLiar(liar)
  }
}
