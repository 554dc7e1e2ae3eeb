import { pickPiece } from '../../../lib/swarm/picker/index.ts'
import { AskOf, type AskSteps } from './ask.ts'
import { HaveBatch } from './have-batch.ts'
import { Lateness } from './lateness.ts'
import { type Ask, type Connection, type Host, latencyMs, type Torrent } from './model.ts'
import { bySuitability, freePieces } from './pace.ts'
import { ASKED, CHECKED, HERE, MISSING, TOLD } from './piece-states.ts'
import type { Setting } from './setting.ts'
import type { Tally } from './tally.ts'

export interface RequestEvents {
  /** The torrent has its last piece, and its peers know. */
  onComplete(torrent: Torrent): void
}

/** What agents ask of whom, and what becomes of it: the simulator's twin of the engine's `Download`. */
export class Requests implements AskSteps<Connection> {
  readonly #setting: Setting
  readonly #tally: Tally
  readonly #events: RequestEvents
  readonly #lateness: Lateness

  constructor(setting: Setting, tally: Tally, events: RequestEvents) {
    this.#setting = setting
    this.#tally = tally
    this.#events = events
    this.#lateness = new Lateness(setting, tally, {
      ask: (peer, piece, other) => this.#ask(peer, piece, other),
      giveUp: (ask) => this.#giveUp(ask),
    })
  }

  /** Asks the peer for as much as it may be asked for now. False when there is no memory for more. */
  pump(peer: Connection): boolean {
    const { mine } = peer
    for (let free = freePieces(peer, this.#setting); free > 0; free -= 1) {
      mine.supply.settle()
      if (!mine.host.init.room.has(mine.map.pieceLength)) return false
      const piece = pickPiece(mine, peer)
      if (piece !== undefined) this.#ask(peer, piece)
      else if (!this.#relieve(peer)) {
        peer.exhausted = true
        return true
      }
    }
    return true
  }

  #pumpAll(torrent: Torrent): void {
    for (const peer of torrent.connections) if (!peer.exhausted && !this.pump(peer)) return
  }

  /** The peer has told of these pieces, and they may be of use at once. */
  heard(peer: Connection, pieces: readonly number[]): void {
    const { mine, theirs, id } = peer
    if (mine.ledger !== undefined) {
      for (const piece of pieces) mine.ledger.update(id, theirs.told, piece, this.#setting.timeline.nowMs)
      this.suggest(peer)
      return
    }
    if (mine.complete || !pieces.some((piece) => mine.supply.wanted(piece))) return
    peer.exhausted = false
    this.pump(peer)
  }

  /** What an origin has to say to an agent that it serves; `peer` is the origin's view of it. */
  suggest(peer: Connection): void {
    const { ledger } = peer.mine
    if (ledger === undefined || peer.closed || peer.servedSinceMs === undefined) return
    const pieces = ledger.suggest(peer.id)
    if (pieces.length === 0) return
    for (const suggested of pieces) peer.twin.suggested.add(suggested)
    peer.twin.exhausted = false
    this.pump(peer.twin)
  }

  /** The connection is over: what is open on it is asked of others. */
  drop(peer: Connection): void {
    for (const ask of [...peer.mine.asks.values()]) {
      for (const it of [ask, ask.other]) if (it?.connection === peer) this.#giveUp(it)
    }
  }

  /** Looks for requests that are late; about ten times a second. */
  tick(torrent: Torrent, nowMs: number): void {
    // Who waits for the node's own rate waits for nobody else.
    const awaited = torrent.asks.get(torrent.reader.next)
    if (awaited !== undefined && awaited.askedMs === undefined) torrent.reader.excuse(nowMs)
    this.#lateness.expire(torrent, nowMs)
    if (torrent.asks.size > 0) torrent.givenAtMs = nowMs
    this.#lateness.repeatLate(torrent, nowMs)
    torrent.connections.sort(bySuitability)
    for (const peer of torrent.connections) {
      if (peer.role !== 'origin') continue
      torrent.supply.readmit(peer, nowMs)
      peer.exhausted = false
    }
    this.#pumpAll(torrent)
    if (torrent.starved || nowMs - torrent.givenAtMs < this.#setting.scenario.limits.busyPatienceMs) return
    torrent.starved = true
    this.#tally.starved += 1
  }

  asked(ask: Ask, nowMs: number): void {
    const { theirs, mine } = ask.connection
    if (ask.over || theirs.host.gone) return
    const answer = theirs.ledger?.ask(mine.host.init.peerId, ask.piece, nowMs)
    if (answer === undefined || answer.given) {
      theirs.host.init.uploads.add(theirs.layer, ask)
      return
    }
    this.#tally.denied += 1
    ask.retryMs = answer.retryMs
    this.#at(ask, 'refused', nowMs + latencyMs(mine.host, theirs.host, this.#setting.scenario))
  }

  refused(ask: Ask, nowMs: number): void {
    const { connection: peer, piece } = ask
    if (peer.closed || peer.mine.complete) return
    peer.mine.supply.deny(peer, piece, nowMs + ask.retryMs)
    if (!ask.over) this.#giveUp(ask)
    this.suggest(peer.twin)
    this.#pumpAll(peer.mine)
  }

  /** It is the turn of the request in its node's download rate. */
  sent(ask: Ask, nowMs: number): void {
    const { mine, theirs } = ask.connection
    ask.askedMs = nowMs
    this.#at(ask, 'asked', nowMs + latencyMs(mine.host, theirs.host, this.#setting.scenario))
  }

  /** The last byte has left the peer. */
  left(ask: Ask, nowMs: number): void {
    const { mine, role, theirs } = ask.connection
    if (theirs.host.gone) return
    if (role === 'origin') this.#tally.originBytes += ask.tokens
    else this.#tally.agentBytes += ask.tokens
    const [from, to] = [theirs.host.init.zone, mine.host.init.zone]
    let passedMs = nowMs
    if (from !== to) {
      this.#tally.acrossBytes += ask.tokens
      passedMs = this.#setting.between(from, to).pass(nowMs, ask.tokens)
    }
    this.#at(ask, 'arrived', passedMs + latencyMs(mine.host, theirs.host, this.#setting.scenario))
  }

  arrived(ask: Ask, nowMs: number): void {
    const { connection: peer, piece, other } = ask
    const { mine } = peer
    if (ask.over || mine.host.gone) {
      this.#tally.wastedBytes += ask.tokens
      return
    }
    if (other !== undefined) this.#close(other)
    this.#close(ask)
    mine.asks.delete(piece)
    mine.become(piece, CHECKED)
    peer.misses = 0
    peer.rate.add(ask.tokens, nowMs)
    peer.pipelinePieces = undefined
    const { madeMs, askedMs = madeMs } = ask
    peer.tripMs = Math.min(peer.tripMs ?? Number.POSITIVE_INFINITY, nowMs - askedMs)
    mine.pace.arrived(ask.tokens, nowMs, { madeMs, askedMs })
    this.#at(ask, 'checked', mine.host.init.checks.pass(nowMs, ask.tokens))
    this.pump(peer)
  }

  checked(ask: Ask, nowMs: number): void {
    const { mine } = ask.connection
    const { host } = mine
    mine.become(ask.piece, HERE)
    mine.reader.read(nowMs)
    if (host.init.room.stored(mine.map.pieceLength)) this.#pumpHost(host)
    if (host.torrents.every(({ complete }) => complete)) host.doneMs ??= nowMs
    this.#tell(mine, ask.piece, nowMs)
  }

  /** Pieces that come soon after each other are told of together. */
  #tell(torrent: Torrent, piece: number, nowMs: number): void {
    const { timeline, scenario } = this.#setting
    const { haves } = torrent
    if (haves !== undefined && !haves.told && nowMs <= haves.sentMs) {
      haves.pieces.push(piece)
      return
    }
    const sentMs = haves === undefined ? nowMs : Math.max(nowMs, haves.sentMs + scenario.limits.haveEveryMs)
    const batch = new HaveBatch(torrent, { sentMs, first: piece, tell: this.#told })
    torrent.haves = batch
    timeline.at(sentMs + scenario.farLatencyMs, batch)
  }

  readonly #told = (torrent: Torrent, pieces: readonly number[]): void => {
    if (torrent.host.gone) return
    for (const piece of pieces) torrent.become(piece, TOLD)
    this.#setting.news.tell(torrent.number, pieces)
    if (!torrent.told.complete) return
    for (const { twin } of torrent.connections) twin.mine.supply.completed(twin)
    this.#events.onComplete(torrent)
  }

  #at(ask: Ask, step: Ask['step'], atMs: number): void {
    ask.step = step
    this.#setting.timeline.at(atMs, ask)
  }

  #pumpHost(host: Host): void {
    // The torrent with less under way is served first.
    const waiting = host.torrents.filter(({ complete }) => !complete).sort((a, b) => a.asks.size - b.asks.size)
    for (const torrent of waiting) this.#pumpAll(torrent)
  }

  #ask(peer: Connection, piece: number, other?: Ask): void {
    const { mine } = peer
    const { nowMs } = this.#setting.timeline
    const ask = new AskOf(peer, piece, { madeMs: nowMs, steps: this })
    if (peer.openPieces === 0) peer.rate.begin(nowMs)
    peer.openPieces += 1
    if (mine.asks.size === 0) mine.pace.begin(nowMs)
    if (other === undefined) {
      mine.become(piece, ASKED)
      mine.host.init.room.take(mine.map.pieceLength)
      mine.asks.set(piece, ask)
    } else {
      this.#tally.repeats += 1
      mine.pace.repeats.asked(ask.tokens)
      ask.other = other
      other.other = ask
    }
    mine.host.init.downloads.add(mine.layer, ask)
  }

  /** Takes a piece over that only an origin was asked for. */
  #relieve(peer: Connection): boolean {
    if (peer.role === 'origin') return false
    for (const ask of peer.mine.asks.values()) {
      if (ask.connection.role !== 'origin' || ask.other !== undefined || !peer.has(ask.piece)) continue
      this.#giveUp(ask)
      this.#ask(peer, ask.piece)
      return true
    }
    return false
  }

  /** Withdraws the request; when nobody else was asked, the piece is missing again. */
  #giveUp(ask: Ask): void {
    const { mine } = ask.connection
    const { other, piece } = ask
    this.#close(ask)
    if (other === undefined) {
      mine.asks.delete(piece)
      mine.become(piece, MISSING)
      mine.host.init.room.giveBack(mine.map.pieceLength)
      for (const peer of mine.connections) if (peer.has(piece)) peer.exhausted = false
    } else {
      other.other = undefined
      mine.asks.set(piece, other)
    }
  }

  #close(ask: Ask): void {
    ask.over = true
    ask.connection.openPieces -= 1
  }
}
