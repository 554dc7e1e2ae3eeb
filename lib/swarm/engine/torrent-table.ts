import { type AppError, appError } from '../../base/index.ts'
import {
  type BlobRef,
  type ByteRange,
  type Digest,
  headerOf,
  INLINE_LIMIT,
  type MetaInfoHeader,
  type PeerId,
  type PeerInfo,
  type SwarmId,
  swarmIdOf,
} from '../../core/index.ts'
import type { HeldPartial, PartialBlob } from '../../store/index.ts'
import type { AnnounceSubject } from '../announce/index.ts'
import type { HttpAdmission, MetainfoAsker, SeedRef } from '../outside.ts'
import type { PeerConnection, PeerHello } from '../peer/index.ts'
import { comingContent, Torrent, type TorrentContent, type TorrentEvents } from '../torrent/index.ts'
import { announcedTorrent } from './announced-torrent.ts'
import { arrivingSeed, untold } from './arriving-seed.ts'
import { listenAddress } from './ban-list.ts'
import { type BlobAtRest, BlobsAtRest, heldBy, leftBy } from './blobs-at-rest.ts'
import type { ArrivingSeed, OnWanted } from './engine-contract.ts'
import { keepInline } from './inline-keeper.ts'
import { joinLate } from './join-late.ts'
import { letGo, type Rest, rest } from './rest.ts'
import { TorrentSlots } from './torrent-slots.ts'
import type { TorrentTableComponents, TorrentTableInit } from './torrent-table-contract.ts'

/** All torrents of a node: the running ones, and the blobs at rest, which no peer has asked for yet. */
export class TorrentTable {
  readonly #components: TorrentTableComponents
  readonly #init: TorrentTableInit
  readonly #torrents = new TorrentSlots<Torrent>()
  readonly #resting: BlobsAtRest
  readonly #rest: Rest
  #stopped = false

  constructor(components: TorrentTableComponents, init: TorrentTableInit) {
    this.#components = components
    this.#init = init
    this.#resting = new BlobsAtRest(components)
    this.#rest = rest(components.clock, { afterMs: components.limits.restMs, onRest: () => letGo(components) })
  }

  /** The node has begun: a time without work counts from now on, since loading the program leaves garbage as well. */
  start(): void {
    this.#rest.see(this.#torrents.size > 0)
  }

  [Symbol.iterator](): IterableIterator<Torrent> {
    return this.#torrents.running()
  }

  /** How many more links all torrents together may open or accept. */
  get room(): number {
    const { connections, limits } = this.#components
    return limits.maxConnections - connections.links - connections.halfOpen
  }

  /** The torrent that downloads the blob and knows its header; undefined when none does. */
  pulling(digest: Digest): Torrent | undefined {
    const running = this.#torrents.get(swarmIdOf(digest))
    return running?.complete === false && running.known ? running : undefined
  }

  /** Starts to download the blob, or joins the running download. */
  pull(blob: BlobRef): Torrent {
    const joined = this.pulling(blob.digest)?.join(blob) ?? this.#torrents.asking(blob)
    if (joined !== undefined) return joined
    if (this.#torrents.get(swarmIdOf(blob.digest))?.complete === false) return this.#ask(blob)
    // The blob must be downloaded, so it is no longer in the store; it must not be announced as complete any longer.
    this.forget(blob.digest)
    return this.#run({ blob })
  }

  /** Whether this torrent is the one for its swarm. */
  has(torrent: Torrent): boolean {
    return this.#torrents.runs(torrent)
  }

  /** The header for an incoming peer; undefined when this node does not have the swarm. */
  async headerOf(swarmId: SwarmId): Promise<MetaInfoHeader | undefined> {
    return (await this.#torrents.get(swarmId)?.header) ?? this.#resting.get(swarmId)?.header
  }

  /** Takes over an accepted connection. */
  accept(swarmId: SwarmId, connection: PeerConnection): void {
    const { hello } = connection
    const running = this.#serving(swarmId)
    if (running === undefined || this.#stopped) connection.close()
    else if (this.#avoids({ ...listenAddress(hello), peerId: hello.peerId })) connection.close(appError('PEER_BANNED'))
    else running.accept(connection)
  }

  /** An agent asks over HTTP for bytes of a complete blob. */
  admitOverHttp(digest: Digest, agent: PeerId, range: ByteRange): HttpAdmission | undefined {
    return this.#serving(swarmIdOf(digest))?.admitOverHttp(agent, range)
  }

  #serving(swarmId: SwarmId): Torrent | undefined {
    const running = this.#torrents.get(swarmId)
    const content = running === undefined ? this.#resting.use(swarmId) : undefined
    return content === undefined ? running : this.#run(content)
  }

  /** Call it when a blob begins to arrive by other ways than the swarm. */
  arriving(blob: SeedRef, partial: PartialBlob, onWanted?: OnWanted): ArrivingSeed {
    const { digest, map } = partial
    if (map.length <= INLINE_LIMIT || this.#stopped) return untold
    this.forget(digest)
    const header = headerOf(digest, map.length)
    const torrent = this.#run({ blob, given: comingContent(partial, header, onWanted) })
    this.#components.schedule.join(this.#subject(blob, torrent.swarmId))
    return arrivingSeed(torrent, {
      isRunning: () => this.has(torrent),
      onWhole: () => this.#events.onComplete(torrent, header),
      onFailed: () => this.#drop(torrent),
    })
  }

  /** Call it when the blob is complete in the store. Small blobs travel inside metainfo headers and have no swarm. */
  seed(blob: SeedRef, size: number): void {
    const swarmId = swarmIdOf(blob.digest)
    if (size <= INLINE_LIMIT || this.#resting.get(swarmId)?.leftBytes === 0) return
    this.forget(blob.digest)
    const arriving = this.#torrents.get(swarmId)
    // It has become whole in another way. What arrives may yet fail.
    if (arriving?.given?.arriving === true) this.#drop(arriving)
    this.#resting.addWhole(swarmId, { blob, header: headerOf(blob.digest, size) })
    if (this.#torrents.get(swarmId) !== undefined) return
    this.#components.schedule.join(this.#subject(blob, swarmId))
  }

  /** Call it when a part of a blob lies in the store, and nobody pulls it. */
  seedPart(held: HeldPartial): void {
    const swarmId = swarmIdOf(held.digest)
    const part = (this.#torrents.get(swarmId) ?? this.#resting.get(swarmId)) ? undefined : heldBy(held)
    if (part !== undefined) this.#rests(swarmId, part)
  }

  #rests(swarmId: SwarmId, part: BlobAtRest): void {
    const { schedule } = this.#components
    const tooMany = this.#resting.addPart(swarmId, part)
    if (tooMany !== undefined) this.forget(tooMany)
    if (!schedule.has(swarmId)) schedule.join(this.#subject(part.blob, swarmId))
  }

  forget(digest: Digest): void {
    const swarmId = swarmIdOf(digest)
    if (!this.#resting.forget(swarmId)) return
    const running = this.#torrents.get(swarmId)
    if (running?.complete === true) this.#drop(running)
    this.#components.schedule.leave(swarmId)
    // One that pulls it still needs peers.
    if (running?.complete === false) this.#join(running)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#components.wheel.stop()
    this.#rest.stop()
    const all = this.#torrents.all()
    this.#torrents.clear()
    await Promise.all(all.map((torrent) => torrent.stop()))
  }

  #run(content: TorrentContent): Torrent {
    const before = this.#torrents.get(swarmIdOf(content.blob.digest))
    if (before !== undefined) this.#drop(before)
    const torrent = this.#newTorrent(content)
    this.#torrents.run(torrent)
    return this.#started(torrent)
  }

  #ask(blob: BlobRef): Torrent {
    const torrent = this.#newTorrent({ blob })
    this.#torrents.ask(blob, torrent)
    return this.#started(torrent)
  }

  #started(torrent: Torrent): Torrent {
    this.#count()
    torrent.start()
    const late = { isRunning: () => this.has(torrent), join: () => this.#join(torrent) }
    if (!torrent.complete) joinLate(this.#components.wheel, torrent, late)
    return torrent
  }

  #newTorrent(content: TorrentContent): Torrent {
    const swarmId = swarmIdOf(content.blob.digest)
    const { self, verify, gives } = this.#init
    const direct = this.#components.refusals.doubts(content.blob.digest)
    const torrent = new Torrent(
      this.#components,
      {
        ...{ content, self, verify, gives, direct },
        asker: content.given === undefined && !direct ? this.#introduce(swarmId) : undefined,
        avoids: (peer) => this.#avoids(peer),
        dial: (peer, header, signal) => this.#init.dial({ peer, header, swarmId }, { signal }),
        reaches: (peer) => this.#init.reaches(peer),
        onPeers: (named) => {
          if (this.has(torrent)) this.#components.schedule.join(this.#subject(torrent.blob, swarmId), named)
        },
      },
      this.#events,
    )
    return torrent
  }

  #introduce(swarmId: SwarmId): MetainfoAsker {
    const { schedule, limits } = this.#components
    schedule.expect(swarmId)
    return { node: this.#init.node(), wantPeers: limits.maxConnectionsPerTorrentSoft }
  }

  readonly #events: TorrentEvents<Torrent> = {
    onHeader: (torrent) => this.#onHeader(torrent),
    onInline: (torrent, header) => {
      this.#components.meters.received.origin.add(header.length)
      keepInline({ ...this.#components, background: this.#components.tasks }, header)
      this.#drop(torrent)
    },
    onComplete: (torrent, header) => {
      this.#resting.addWhole(torrent.swarmId, { blob: torrent.blob, header })
      this.#components.schedule.completed(torrent.swarmId)
    },
    onUseless: (torrent, header) => this.#onUseless(torrent, header),
    onFailed: (torrent, blob, err) => this.#onFailed(torrent, blob, err),
    onLiar: (hello) => this.#ban(hello),
    onUnreadable: (torrent, err) => {
      this.#components.logger.info('a blob can no longer be read', { digest: torrent.blob.digest, err })
      this.forget(torrent.blob.digest)
    },
  }

  /** Who waits for a pull that came too late with its header opens anew. */
  #onHeader(torrent: Torrent): void {
    if (this.#torrents.promote(torrent)) this.#join(torrent)
    else this.#drop(torrent)
  }

  /** What has come of a pull is given to others on. */
  #onUseless(torrent: Torrent, header: MetaInfoHeader | undefined): void {
    const part = this.has(torrent) ? leftBy(torrent, header) : undefined
    if (part !== undefined) this.#rests(torrent.swarmId, part)
    this.#drop(torrent)
  }

  #join(torrent: Torrent): void {
    const { schedule } = this.#components
    if (this.#torrents.get(torrent.swarmId) !== torrent || schedule.has(torrent.swarmId)) return
    schedule.join(this.#subject(torrent.blob, torrent.swarmId))
  }

  #subject(blob: SeedRef, swarmId: SwarmId): AnnounceSubject {
    return announcedTorrent(blob, swarmId, {
      running: () => this.#torrents.get(swarmId),
      leftAtRest: () => this.#resting.get(swarmId)?.leftBytes,
    })
  }

  #onFailed(torrent: Torrent, blob: BlobRef, err: AppError): void {
    const { refusals, logger } = this.#components
    if (err.code !== 'BLOB_UNKNOWN') logger.warn('a pull failed', { digest: blob.digest, err })
    refusals.failed(blob, err)
    this.#drop(torrent)
  }

  #ban(hello: PeerHello): void {
    const { bans, meters, logger } = this.#components
    bans.add(hello)
    meters.bans.add()
    logger.warn('banned a peer for sending wrong bytes', { peer: hello.peerId, ...listenAddress(hello) })
    for (const torrent of this.#torrents.all()) torrent.removePeer(hello, appError('PEER_BANNED'))
  }

  #avoids(peer: Pick<PeerInfo, 'peerId' | 'host' | 'port' | 'infoHash'>): boolean {
    if (peer.infoHash !== undefined && !this.#init.dialsForeign) return true
    return peer.peerId === this.#init.self.peerId || !this.#init.allows(peer.host) || this.#components.bans.has(peer)
  }

  #drop(torrent: Torrent): void {
    const { schedule, tasks } = this.#components
    // This must come first: the last announce still states how much is missing.
    if (this.has(torrent) && !this.#resting.has(torrent.swarmId)) schedule.leave(torrent.swarmId)
    this.#torrents.remove(torrent)
    this.#count()
    tasks.run('stop-torrent', () => torrent.stop())
  }

  #count(): void {
    const { size } = this.#torrents
    this.#components.meters.torrents.set(size)
    this.#rest.see(size > 0 || this.#stopped)
  }
}
