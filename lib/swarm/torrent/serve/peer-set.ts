import { type Alarm, type AppError, hasCode } from '../../../base/index.ts'
import type { ByteRange, PeerId, PeerInfo } from '../../../core/index.ts'
import type { HttpAdmission, PeerReport } from '../../outside.ts'
import type { Block, Denial, PeerConnection, PeerHello } from '../../peer/index.ts'
import { chooseServed } from '../../picker/index.ts'
import { Admission } from './admission.ts'
import { blockSender } from './block-sender.ts'
import { type PeerReports, peerReports } from './peer-reports.ts'
import type { Member, PeerSetComponents, PeerSetEvents, PeerSetInit } from './peer-set-contract.ts'
import { replaces } from './replaces.ts'
import { takesFrom } from './takes-from.ts'
import { turnAway } from './turn-away.ts'
import { type ClassPaces, classPaces } from './upload-lane.ts'

/** Slots whose turns have all ended change hands one after the other, not all at once. */
const MIN_TURN_MS = 100

/** The connected peers of one torrent: one connection per peer; decides who is served and what each peer is told. */
export class PeerSet {
  readonly #components: PeerSetComponents
  readonly #init: PeerSetInit
  readonly #events: PeerSetEvents
  readonly #members = new Map<PeerId, Member>()
  readonly #paces: ClassPaces
  /** What an origin gives, and to whom; agents give everybody everything. */
  readonly #admission: Admission | undefined
  readonly #reports: PeerReports
  /** Due when an upload slot may go to another peer. */
  readonly #turn: Alarm
  /** Due when a connection of a complete torrent may have been without use for too long. */
  readonly #unused: Alarm

  constructor(components: PeerSetComponents, init: PeerSetInit, events: PeerSetEvents) {
    this.#components = components
    this.#init = init
    this.#events = events
    this.#reports = peerReports(init.conducts)
    this.#turn = components.wheel.alarm(() => this.#serve())
    this.#unused = components.wheel.alarm((nowMs) => this.#removeUnused(nowMs))
    const short = init.content.map.length <= components.limits.shortBlobBytes
    this.#paces = classPaces(components.lane.bucket, { short })
    const { digest } = init
    const members = () => this
    this.#admission =
      init.self.role === 'origin' ? new Admission(components, { digest, have: init.content.have, members }) : undefined
  }

  get size(): number {
    return this.#members.size
  }

  has(id: PeerId): boolean {
    return this.#members.has(id)
  }

  /** For an admin's eye. */
  *[Symbol.iterator](): Generator<PeerConnection> {
    for (const { connection } of this.#members.values()) yield connection
  }

  /** Takes over a connection, or closes it when there are too many or it is a duplicate. */
  add(connection: PeerConnection): void {
    const { peerId } = connection.hello
    const { limits, connections } = this.#components
    const twin = this.#members.get(peerId)
    if (twin !== undefined && !replaces(this.#init.self.peerId, connection, twin.connection)) {
      connection.close()
      return
    }
    if (twin !== undefined) this.remove(peerId)
    const full = this.size >= limits.maxConnectionsPerTorrentHard || connections.open >= limits.maxLanes
    if (full) turnAway(this.#components, connection, { others: this, tasks: this.#init.tasks })
    else this.#join(peerId, connection)
  }

  #join(id: PeerId, connection: PeerConnection): void {
    const components = this.#components
    const init = this.#init
    const onUnreadable = (err: AppError) => this.#events.onUnreadable(err)
    const member: Member = {
      connection,
      sender: blockSender(components, { ...init, paces: this.#paces, connection, onUnreadable }),
      gives: false,
      interested: false,
      waitingSinceMs: undefined,
      servedSinceMs: undefined,
      usedAtMs: components.wheel.nowMs,
    }
    this.#members.set(id, member)
    this.#countConnections(1)
    connection.attach({
      onHave: (pieces) => this.#ifCurrent(id, member, () => this.#onHave(id, member, pieces)),
      onChoke: () => this.#ifCurrent(id, member, () => this.#events.onChoke(id)),
      onInterest: (interested) => this.#ifCurrent(id, member, () => this.#onInterest(member, interested)),
      onSuggest: (piece) => this.#ifCurrent(id, member, () => this.#events.onSuggest(id, piece)),
      onBusy: (peers, denial) => this.#ifCurrent(id, member, () => this.#onBusy(member, peers, denial)),
      onRequest: (block) => {
        member.usedAtMs = this.#components.wheel.nowMs
        if (!this.#init.gives()) connection.sendReject(block)
        else if (this.#isAdmitted(member, block)) member.sender.ask(block)
      },
      onCancel: (block) => member.sender.cancel(block),
      onWant: (want) => this.#ifCurrent(id, member, () => this.#events.onWant(id, want)),
      onClose: (err) => this.#ifCurrent(id, member, () => this.#onClose(id, err)),
    })
    connection.sendBitfield(init.content.have)
    this.#seeUnused(member.usedAtMs)
    this.#seeGiver(member)
  }

  /** Call it when a tracker has named peers: some that came to us may be asked now. */
  named(): void {
    for (const member of this.#members.values()) this.#seeGiver(member)
  }

  #seeGiver(member: Member): void {
    const { self, isNamed } = this.#init
    if (member.gives || !takesFrom(self, member.connection.hello, isNamed)) return
    member.gives = true
    this.#events.onPeer(member.connection)
    if (this.#offers(member, undefined)) this.#setInterested(member, true)
  }

  /** Closes the connection to the peer; one from another host that uses the same id stays. */
  removeAt({ peerId, address }: PeerHello, err: AppError): void {
    if (this.#members.get(peerId)?.connection.hello.address.host === address.host) this.remove(peerId, err)
  }

  /** Closes the connection to a peer and forgets it. */
  remove(id: PeerId, err?: AppError): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#members.delete(id)
    this.#reports.part(id, member.connection)
    member.sender.clear()
    member.connection.close(err)
    this.#admission?.remove(id)
    this.#countConnections(-1)
    this.#events.onGone(id, member.connection.stats.receivedBytes > 0)
    this.#serve()
  }

  removeAll(): void {
    for (const id of [...this.#members.keys()]) this.remove(id)
    this.#turn.cancel()
    this.#unused.cancel()
  }

  /** Call it when a piece is here: tells every peer, and disconnects those that are no longer useful. */
  announce(piece: number): void {
    this.#admission?.arrived(piece)
    for (const member of this.#members.values()) {
      member.connection.sendHave(piece)
      this.#suggestTo(member)
    }
  }

  /** The blob is complete: nothing is wanted any more, and complete peers want nothing either. */
  completed(): void {
    for (const [id, member] of this.#members) {
      if (member.connection.remoteHave.complete) this.remove(id)
      else if (member.interested) this.#setInterested(member, false)
    }
    for (const { usedAtMs } of this.#members.values()) this.#seeUnused(usedAtMs)
  }

  /** What an agent that asks over HTTP is given of these bytes. */
  admitOverHttp(agent: PeerId, { start, end }: ByteRange): HttpAdmission | undefined {
    const { pieceLength } = this.#init.content.map
    const first = Math.floor(start / pieceLength)
    return this.#admission?.admitOverHttp(agent, { first, count: Math.ceil(end / pieceLength) - first })
  }

  #seeUnused(usedAtMs: number): void {
    if (this.#init.content.have.complete) this.#unused.by(usedAtMs + this.#components.limits.idleSeedMs)
  }

  #removeUnused(nowMs: number): void {
    for (const [id, { usedAtMs }] of this.#members) {
      if (nowMs - usedAtMs >= this.#components.limits.idleSeedMs) this.remove(id)
      else this.#seeUnused(usedAtMs)
    }
  }

  /** What each peer gave and got since the last call, including peers that left meanwhile. */
  reports(): readonly PeerReport[] {
    return this.#reports.take([...this.#members].map(([id, { connection }]) => [id, connection] as const))
  }

  /** Events of a connection that was replaced or removed no longer count. */
  #ifCurrent(id: PeerId, member: Member, apply: () => void): void {
    if (this.#members.get(id) === member) apply()
  }

  #onHave(id: PeerId, member: Member, pieces: readonly number[] | undefined): void {
    const { content } = this.#init
    const { remoteHave } = member.connection
    if (content.have.complete && remoteHave.complete) {
      this.remove(id)
      return
    }
    if (!member.interested && this.#offers(member, pieces)) this.#setInterested(member, true)
    const changes = pieces ?? [undefined]
    for (const piece of changes) this.#admission?.update(member.connection, piece)
    this.#suggestTo(member)
    for (const piece of changes) this.#events.onHave(id, piece)
  }

  #offers({ gives, connection }: Member, pieces: readonly number[] | undefined): boolean {
    const { wants, content } = this.#init
    const { have } = content
    if (!wants || !gives || have.complete) return false
    if (pieces !== undefined) return pieces.some((piece) => !have.has(piece))
    for (const index of connection.remoteHave) if (!have.has(index)) return true
    return false
  }

  #setInterested(member: Member, interested: boolean): void {
    member.interested = interested
    member.connection.sendInterested(interested)
  }

  #onInterest(member: Member, interested: boolean): void {
    member.waitingSinceMs = interested ? this.#components.wheel.nowMs : undefined
    this.#serve()
  }

  #onClose(id: PeerId, err: AppError | undefined): void {
    if (err !== undefined && !hasCode(err, 'PEER_CLOSED')) {
      this.#components.logger.debug('a peer was dropped', { peer: id, err })
    }
    this.remove(id)
  }

  /** Hands out the upload slots. */
  #serve(): void {
    const { wheel, limits } = this.#components
    const [{ nowMs }, gives] = [wheel, this.#init.gives()]
    const candidates = []
    for (const [id, { waitingSinceMs, servedSinceMs, connection }] of this.#members) {
      const { pullClass } = connection
      if (waitingSinceMs !== undefined && gives) candidates.push({ id, waitingSinceMs, servedSinceMs, pullClass })
    }
    const rules = { slots: limits.uploadSlots, turnMs: limits.uploadTurnMs, nowMs }
    const served = chooseServed(candidates, rules)
    for (const [id, member] of this.#members) {
      if (served.has(id) && member.servedSinceMs === undefined) this.#unchoke(member, nowMs)
      else if (!served.has(id) && member.servedSinceMs !== undefined) this.#choke(member, nowMs)
    }
    if (served.size === candidates.length) this.#turn.cancel()
    else this.#turn.at(Math.max(this.#turnEndsMs, nowMs + MIN_TURN_MS))
  }

  /** When the first of those who are served has had its turn. */
  get #turnEndsMs(): number {
    let first = Number.POSITIVE_INFINITY
    for (const { servedSinceMs } of this.#members.values()) first = Math.min(first, servedSinceMs ?? first)
    return first + this.#components.limits.uploadTurnMs
  }

  #unchoke(member: Member, nowMs: number): void {
    member.servedSinceMs = nowMs
    this.#suggestTo(member)
    member.connection.sendChoke(false)
  }

  #choke(member: Member, nowMs: number): void {
    member.servedSinceMs = undefined
    if (member.waitingSinceMs !== undefined) member.waitingSinceMs = nowMs
    member.connection.sendChoke(true)
    member.sender.clear()
    this.#admission?.release(member.connection.hello.peerId)
  }

  #suggestTo({ servedSinceMs, connection }: Member): void {
    if (servedSinceMs !== undefined) this.#admission?.suggestTo(connection)
  }

  #isAdmitted({ connection }: Member, block: Block): boolean {
    if (this.#admission === undefined) return true
    // What is not here is rejected, and counts as given to nobody.
    if (!this.#init.content.have.has(block.piece)) return true
    return this.#admission.admits(connection, block)
  }

  #onBusy({ connection }: Member, peers: readonly PeerInfo[], denial: Denial | undefined): void {
    const { hello } = connection
    this.#events.onNamed(hello, peers)
    if (denial === undefined) this.remove(hello.peerId)
    else this.#events.onDenied(hello.peerId, denial)
  }

  #countConnections(change: number): void {
    const { connections, meters } = this.#components
    connections.open += change
    meters.connections.set(connections.open)
  }
}
