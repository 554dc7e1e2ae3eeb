import { pickPiece, pipelineBlocks, requestTimeoutMs } from '../../../lib/swarm/picker/index.ts'
import {
  ASKED,
  Ask,
  type AskSteps,
  CHECKED,
  type Connection,
  HERE,
  type Host,
  latencyMs,
  MISSING,
  type Setting,
  TOLD,
  type Torrent,
} from './model.ts'
import type { Tally } from './tally.ts'

export interface RequestEvents {
  /** The torrent has its last piece, and its peers know. */
  onComplete(torrent: Torrent): void
}

/** As in the engine's `BlockRequests` and `nextBlock`. */
const MISS_COOLDOWN = { baseMs: 250, maxMs: 5_000 }
const MAX_REPEAT_BLOCKS = 8
const END_PATIENCE_SHARE = 0.5
const PIECE_TIME_WEIGHT = 0.2

/** What agents ask of whom, and what becomes of it: the simulator's twin of the engine's `Download`. */
export class Requests implements AskSteps {
  readonly #setting: Setting
  readonly #tally: Tally
  readonly #events: RequestEvents

  constructor(setting: Setting, tally: Tally, events: RequestEvents) {
    this.#setting = setting
    this.#tally = tally
    this.#events = events
  }

  /** Asks the peer for as much as it may be asked for now. False when there is no memory for more. */
  pump(peer: Connection): boolean {
    const { mine } = peer
    for (let free = this.#freePieces(peer); free > 0; free -= 1) {
      if (!this.#hasRoom(mine)) return false
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

  /** The peer has told of one more piece. */
  heard(peer: Connection, piece: number): void {
    const { mine } = peer
    if (peer.role === 'agent' && mine.ledger === undefined) mine.countOne(piece)
    peer.suggested.delete(piece)
    if (peer.told?.add(piece) === true) this.suggest(peer, piece)
    if (mine.state[piece] !== MISSING) return
    peer.exhausted = false
    this.pump(peer)
  }

  /** What an origin has to say to an agent that told what it has. */
  suggest(peer: Connection, piece: number | undefined): void {
    const { ledger } = peer.mine
    if (ledger === undefined || peer.told === undefined) return
    const pieces = ledger.heard(peer.id, peer.told, piece)
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
    const awaited = torrent.asks.get(torrent.next)
    if (awaited !== undefined && awaited.askedMs === undefined) torrent.waitingSinceMs = nowMs
    this.#expire(torrent, nowMs)
    if (torrent.asks.size > 0) torrent.givenAtMs = nowMs
    this.#repeatLate(torrent, nowMs)
    torrent.connections.sort(bySuitability)
    for (const peer of torrent.connections) if (peer.role === 'origin') peer.exhausted = false
    this.#pumpAll(torrent)
    if (torrent.starved || nowMs - torrent.givenAtMs < this.#setting.scenario.limits.busyPatienceMs) return
    torrent.starved = true
    this.#tally.starved += 1
  }

  asked(ask: Ask): void {
    const { theirs } = ask.connection
    if (ask.over || theirs.host.gone) return
    theirs.host.init.uploads.add(theirs.layer, ask)
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
    this.#at(ask, 'arrived', nowMs + latencyMs(mine.host, theirs.host, this.#setting.scenario))
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
    mine.state[piece] = CHECKED
    peer.misses = 0
    peer.rate.add(ask.tokens, nowMs)
    peer.pipelinePieces = undefined
    const tookMs = nowMs - ask.madeMs
    mine.pieceMs = mine.pieceMs === undefined ? tookMs : mine.pieceMs + (tookMs - mine.pieceMs) * PIECE_TIME_WEIGHT
    this.#at(ask, 'checked', mine.host.init.checks.pass(nowMs, ask.tokens))
    this.pump(peer)
  }

  checked(ask: Ask, nowMs: number): void {
    const { mine } = ask.connection
    const { host } = mine
    mine.state[ask.piece] = HERE
    mine.missing -= 1
    mine.read(nowMs)
    host.storedBytes += ask.tokens
    this.#freeRoom(host, mine.map.pieceLength)
    if (host.torrents.every(({ complete }) => complete)) host.doneMs ??= nowMs
    this.#at(ask, 'told', nowMs + this.#setting.scenario.farLatencyMs)
  }

  told(ask: Ask): void {
    const { mine } = ask.connection
    if (mine.host.gone) return
    mine.state[ask.piece] = TOLD
    for (const { twin } of mine.connections) this.heard(twin, ask.piece)
    if (!mine.complete || mine.asks.size > 0 || mine.state.some((state) => state !== TOLD)) return
    this.#events.onComplete(mine)
  }

  #at(ask: Ask, step: Ask['step'], atMs: number): void {
    ask.step = step
    this.#setting.timeline.at(atMs, ask)
  }

  /** How many more pieces can be asked of the peer; the engine's rule in blocks. */
  #freePieces(peer: Connection): number {
    const { limits } = this.#setting.scenario
    if (peer.choked || peer.closed || this.#setting.timeline.nowMs < peer.notBeforeMs) return 0
    if (peer.pipelinePieces === undefined) {
      const blocks = pipelineBlocks(this.#paceOf(peer), limits)
      peer.pipelinePieces = Math.max(1, Math.round((blocks * limits.blockLength) / peer.mine.map.pieceLength))
    }
    return peer.pipelinePieces - peer.openPieces
  }

  #paceOf(peer: Connection) {
    const { blockLength } = this.#setting.scenario.limits
    return { bytesPerSecond: peer.rate.bytesPerSecond, blockLength, misses: peer.misses }
  }

  #hasRoom({ host, map }: Torrent): boolean {
    const fits = host.hasRoom(map.pieceLength, this.#setting.scenario.limits)
    if (!fits) host.lacksRoom = true
    return fits
  }

  #freeRoom(host: Host, bytes: number): void {
    host.openBytes -= bytes
    if (!host.lacksRoom) return
    host.lacksRoom = false
    // The torrent with less under way is served first.
    const waiting = host.torrents.filter(({ complete }) => !complete).sort((a, b) => a.asks.size - b.asks.size)
    for (const torrent of waiting) this.#pumpAll(torrent)
  }

  #ask(peer: Connection, piece: number, other?: Ask): void {
    const { mine } = peer
    const { nowMs } = this.#setting.timeline
    const ask = new Ask(peer, piece, { madeMs: nowMs, steps: this })
    if (peer.openPieces === 0) peer.rate.begin(nowMs)
    peer.openPieces += 1
    if (other === undefined) {
      mine.state[piece] = ASKED
      mine.host.openBytes += mine.map.pieceLength
      mine.asks.set(piece, ask)
    } else {
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
      mine.state[piece] = MISSING
      mine.host.openBytes -= mine.map.pieceLength
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

  #expire(torrent: Torrent, nowMs: number): void {
    const { limits } = this.#setting.scenario
    for (const first of [...torrent.asks.values()]) {
      for (const ask of [first, first.other]) {
        if (ask === undefined || ask.waitedMs(nowMs) < limits.minRequestTimeoutMs) continue
        const peer = ask.connection
        const ahead = peer.openPieces * torrent.map.pieceLength
        const lateMs = requestTimeoutMs(this.#paceOf(peer), ahead, limits)
        if (ask.waitedMs(nowMs) > lateMs) this.#miss(ask, nowMs)
      }
    }
  }

  /** A peer misses once, however many of its pieces are late. */
  #miss(ask: Ask, nowMs: number): void {
    const peer = ask.connection
    this.#tally.timeouts += 1
    this.#giveUp(ask)
    if (nowMs < peer.notBeforeMs) return
    peer.notBeforeMs = nowMs + Math.min(MISS_COOLDOWN.maxMs, MISS_COOLDOWN.baseMs * 2 ** Math.min(peer.misses, 16))
    peer.misses += 1
    peer.pipelinePieces = undefined
  }

  /** A second request for what a reader waits for too long, and at the very end for what is slow. */
  #repeatLate(torrent: Torrent, nowMs: number): void {
    const { blockLength } = this.#setting.scenario.limits
    let left = Math.max(1, Math.floor((MAX_REPEAT_BLOCKS * blockLength) / torrent.map.pieceLength))
    for (const { other } of torrent.asks.values()) if (other !== undefined) left -= 1
    const awaited = torrent.windows[0]?.urgent === true ? torrent.asks.get(torrent.next) : undefined
    if (awaited !== undefined && left > 0 && awaited.waitedMs(nowMs) >= torrent.patienceMs) {
      if (this.#repeat(awaited, () => true)) left -= 1
    }
    if (torrent.asks.size < torrent.missing) return
    for (const ask of torrent.asks.values()) {
      if (left <= 0) return
      const isLate = ask.waitedMs(nowMs) >= torrent.patienceMs * END_PATIENCE_SHARE
      if (isLate && this.#repeat(ask, ({ role }) => role === 'agent')) left -= 1
    }
  }

  #repeat(ask: Ask, may: (peer: Connection) => boolean): boolean {
    if (ask.other !== undefined) return false
    const { mine } = ask.connection
    for (const peer of mine.connections) {
      if (peer === ask.connection || !may(peer) || !peer.has(ask.piece) || this.#freePieces(peer) <= 0) continue
      this.#ask(peer, ask.piece, ask)
      return true
    }
    return false
  }
}

/** Whom the engine asks first: agents before origins, who was late last, otherwise the fastest first. */
function bySuitability(a: Connection, b: Connection): number {
  if (a.role !== b.role) return a.role === 'origin' ? 1 : -1
  return a.misses - b.misses || (b.rate.bytesPerSecond ?? 0) - (a.rate.bytesPerSecond ?? 0)
}
