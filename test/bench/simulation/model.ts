import type { Bitset, Random } from '../../../lib/base/index.ts'
import type { PeerId, PeerRole, PieceMap } from '../../../lib/core/index.ts'
import {
  type Offer,
  type OriginLedger,
  type PickPeer,
  type PickView,
  type PieceIndex,
  type RateMeter,
  rateMeter,
} from '../../../lib/swarm/picker/index.ts'
import type { AskOf } from './ask.ts'
import type { HaveBatch } from './have-batch.ts'
import type { Link } from './link.ts'
import type { News } from './news.ts'
import type { PieceRoom } from './piece-room.ts'
import { ASKED, CHECKED, HERE, MISSING, PieceStates } from './piece-states.ts'
import { Reader } from './reading.ts'
import type { Scenario } from './scenario.ts'
import type { Setting } from './setting.ts'
import { type Mail, Supply, type SupplyPeer } from './supply.ts'
import type { Timeline } from './timeline.ts'
import { TorrentPace } from './torrent-pace.ts'
import type { Turns } from './turns.ts'

interface HostInit {
  readonly index: number
  readonly peerId: PeerId
  readonly role: PeerRole
  readonly zone: number
  readonly uploads: Turns<Ask>
  /** Passed by a request before it is sent, as in a node with a download rate. */
  readonly downloads: Turns<Ask>
  readonly checks: Link
  readonly room: PieceRoom
}

/** One machine: what its torrents share. */
export class Host {
  readonly init: HostInit
  readonly role: PeerRole
  readonly torrents: Torrent[] = []
  startMs = 0
  /** It has everything; undefined before. */
  doneMs: number | undefined
  gone = false
  /** How many torrents have a connection with each of these hosts, all over one link. */
  readonly lanes = new Map<Host, number>()
  halfOpen = 0

  constructor(init: HostInit) {
    this.init = init
    this.role = init.role
  }
}

/** One way between two hosts. */
export function latencyMs(a: Host, b: Host, { latencyMs: near, farLatencyMs }: Scenario): number {
  return a.init.zone === b.init.zone ? near : farLatencyMs
}

/** A peer that a tracker or another peer has named. */
export interface Candidate {
  readonly torrent: Torrent
  failures: number
  notBeforeMs: number
  dialling: boolean
}

/** When agents would need longer than this for what is left, idle origins help. */
const PATIENCE_SECONDS = 2

/** One blob at one host, as the picker sees it. */
export class Torrent implements PickView, Mail {
  /** Its number among all torrents of the run. */
  readonly number: number
  readonly host: Host
  readonly layer: number
  readonly map: PieceMap
  readonly count: number
  readonly random: Random
  readonly scope = 'all'
  readonly pace: TorrentPace
  readonly reader: Reader
  readonly windows: readonly Reader[]
  /** For an origin. */
  readonly ledger: OriginLedger | undefined
  readonly supply: Supply
  readonly connections: Connection[] = []
  /** The same by their numbers. */
  readonly bySlot: (Connection | undefined)[] = []
  readonly asks = new Map<number, Ask>()
  haves: HaveBatch<Torrent> | undefined
  candidates: Candidate[] = []
  dialling = 0
  givenAtMs = 0
  starved = false
  hurried = false
  readonly #states: PieceStates
  readonly #timeline: Timeline
  readonly #news: News

  constructor(
    host: Host,
    layer: number,
    map: PieceMap,
    setting: Setting & { readonly ledger: OriginLedger | undefined },
  ) {
    const isOrigin = host.role === 'origin'
    this.host = host
    this.layer = layer
    this.map = map
    this.count = map.count
    this.random = setting.random
    this.ledger = setting.ledger
    this.#timeline = setting.timeline
    this.#news = setting.news
    this.number = host.init.index * setting.scenario.layers.length + layer
    this.#states = new PieceStates(map.count, { complete: isOrigin })
    this.supply = new Supply(host.init.peerId, map.count, this)
    if (!isOrigin) for (let piece = 0; piece < map.count; piece += 1) this.supply.want(piece, true)
    this.pace = new TorrentPace(setting.scenario)
    this.reader = new Reader(this, {
      timeline: setting.timeline,
      bytesPerSecond: setting.scenario.readBytesPerSecond,
      pieces: () => this.pace.windowPieces(map.pieceLength),
    })
    this.windows = [this.reader]
  }

  get pieces(): PieceIndex {
    return this.supply.pieces
  }

  /** What the peers know that it has. */
  get told(): Bitset {
    return this.#states.told
  }

  get missing(): number {
    return this.#states.missing
  }

  get complete(): boolean {
    return this.missing === 0
  }

  get leftBytes(): number {
    return this.missing * this.map.pieceLength
  }

  get patienceMs(): number {
    return this.pace.patienceMs
  }

  stateOf(piece: number): number {
    return this.#states.of(piece)
  }

  /** Every change of a piece goes through here, so that the index knows what is wanted. */
  become(piece: number, state: number): void {
    this.#states.become(piece, state)
    if (state <= ASKED) this.supply.want(piece, state === MISSING)
  }

  take(learn: (slot: number, piece: number) => void): void {
    this.#news.take(this.number, learn)
  }

  served(): Bitset {
    return this.supply.served(this.#timeline.nowMs)
  }

  get mine(): Bitset {
    return this.supply.mine
  }

  agentsAreSlow(): boolean {
    let sum = 0
    for (const peer of this.connections) {
      if (peer.role !== 'agent' || !peer.isReliable) continue
      const rate = peer.rate.bytesPerSecond
      if (rate === undefined) return false
      sum += rate
    }
    return sum > 0 && this.leftBytes > sum * PATIENCE_SECONDS
  }

  hasCome(piece: number): boolean {
    return this.stateOf(piece) >= CHECKED
  }

  isHere(piece: number): boolean {
    return this.stateOf(piece) >= HERE
  }
}

/** One piece on its way from one peer. */
export type Ask = AskOf<Connection>

/** How one torrent sees a peer of it; the peer has the twin. */
export class Connection implements PickPeer, SupplyPeer {
  readonly mine: Torrent
  readonly theirs: Torrent
  readonly joinedMs: number
  readonly role: PeerRole
  readonly id: PeerId
  readonly rate: RateMeter = rateMeter()
  /** The shortest time from a request to its piece. */
  tripMs: number | undefined
  readonly suggested = new Set<number>()
  readonly denied = new Map<number, number>()
  readonly offer: Offer
  /** Its number among the peers of the torrent. */
  readonly slot: number
  readonly #news: News
  twin: Connection
  closed = false
  /** They do not serve us. */
  choked = true
  /** They have said that they want something; since when, and since when we serve them. */
  interested = false
  waitingSinceMs: number
  servedSinceMs: number | undefined
  openPieces = 0
  /** How many may be open at once; undefined when that has to be computed anew. */
  pipelinePieces: number | undefined
  /** Timeouts in a row. */
  misses = 0
  notBeforeMs = 0

  constructor(mine: Torrent, theirs: Torrent, { timeline: { nowMs }, news }: Setting) {
    this.mine = mine
    this.theirs = theirs
    this.joinedMs = nowMs
    this.waitingSinceMs = nowMs
    this.role = theirs.host.role
    this.id = theirs.host.init.peerId
    this.twin = this
    this.#news = news
    this.slot = this.#takeSlot()
    this.#listen()
    this.offer = mine.pieces.offerOf(this.id)
  }

  /** Nothing can be asked of them until they have more. */
  get exhausted(): boolean {
    return this.#news.isAlert(this.mine.number, this.slot)
  }

  set exhausted(exhausted: boolean) {
    this.#news.setAlert(this.mine.number, this.slot, exhausted)
  }

  /** It can be asked for the piece. */
  has(piece: number): boolean {
    this.mine.supply.settle()
    return this.offer.have.has(piece)
  }

  get idle(): boolean {
    return this.openPieces === 0
  }

  get isReliable(): boolean {
    return !this.choked && this.misses === 0
  }

  /** Hears no more of their new pieces. */
  ignore(): void {
    this.#news.ignore(this.theirs.number, this.mine.number, this.slot)
  }

  #takeSlot(): number {
    const { bySlot } = this.mine
    const free = bySlot.indexOf(undefined)
    const slot = free < 0 ? bySlot.length : free
    bySlot[slot] = this
    return slot
  }

  /** Who needs something, and an origin that may suggest something, hears of their new pieces. */
  #listen(): void {
    const { mine, theirs } = this
    if (mine.ledger !== undefined) this.#news.hearAtOnce(theirs.number, mine.number, this.slot)
    if (mine.complete) return
    this.#news.hear(theirs.number, mine.number, this.slot)
    mine.supply.add(this, this.slot, theirs.told)
  }
}
