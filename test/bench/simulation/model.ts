import { Bitset, type Random } from '../../../lib/base/index.ts'
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
import { patienceOf } from '../../../lib/swarm/torrent/shared/demand.ts'
import type { HaveBatch } from './have-batch.ts'
import type { Link } from './link.ts'
import { Window } from './reading.ts'
import type { Scenario } from './scenario.ts'
import { Supply, type SupplyPeer } from './supply.ts'
import type { Happening, Timeline } from './timeline.ts'
import type { Passenger, Turns } from './turns.ts'

/** What every part of a run shares. */
export interface Setting {
  readonly timeline: Timeline
  readonly scenario: Scenario
  readonly random: Random
}

interface HostInit {
  readonly index: number
  readonly peerId: PeerId
  readonly role: PeerRole
  readonly zone: number
  readonly uploads: Turns<Ask>
  /** Passed by a request before it is sent, as in a node with a download rate. */
  readonly downloads: Turns<Ask>
  readonly checks: Link
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
  /** Bytes of pieces that are asked for or being checked, and of those that are stored. */
  openBytes = 0
  storedBytes = 0
  /** A piece could not be asked for, because there was no memory. */
  lacksRoom = false
  /** How many torrents have a connection with each of these hosts, all over one link. */
  readonly lanes = new Map<Host, number>()
  halfOpen = 0

  constructor(init: HostInit) {
    this.init = init
    this.role = init.role
  }

  /** Room for one more piece; some of the memory is taken by the pieces that were stored last. */
  hasRoom(bytes: number, { pieceBufferBytes, warmPieceBytes }: Scenario['limits']): boolean {
    const warm = Math.min(warmPieceBytes, this.storedBytes)
    return this.openBytes === 0 || this.openBytes + bytes <= pieceBufferBytes - warm
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

/** States of a piece: nobody was asked, asked, being checked, here, and here with all peers knowing it. */
export const MISSING = 0
export const ASKED = 1
export const CHECKED = 2
export const HERE = 3
export const TOLD = 4

/** When agents would need longer than this for what is left, idle origins help. */
const PATIENCE_SECONDS = 2

/** One blob at one host, as the picker sees it. */
export class Torrent implements PickView {
  readonly host: Host
  readonly layer: number
  readonly map: PieceMap
  readonly count: number
  readonly random: Random
  readonly scope = 'all'
  readonly windows: readonly Window[]
  /** For an origin. */
  readonly ledger: OriginLedger | undefined
  readonly supply: Supply
  /** What the peers know that it has. */
  readonly told: Bitset
  readonly connections: Connection[] = []
  readonly asks = new Map<number, Ask>()
  haves: HaveBatch<Torrent> | undefined
  candidates: Candidate[] = []
  dialling = 0
  /** The reader's next byte is in this piece, which is not here. */
  next = 0
  waitingSinceMs = 0
  missing: number
  /** How long a piece takes from its request on; undefined before the first. */
  pieceMs: number | undefined
  givenAtMs = 0
  starved = false
  hurried = false
  readonly #state: Uint8Array
  readonly #timeline: Timeline

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
    this.missing = isOrigin ? 0 : map.count
    this.#state = new Uint8Array(map.count).fill(isOrigin ? TOLD : MISSING)
    this.told = isOrigin ? Bitset.full(map.count) : new Bitset(map.count)
    this.supply = new Supply(host.init.peerId, map.count)
    if (!isOrigin) for (let piece = 0; piece < map.count; piece += 1) this.supply.want(piece, true)
    const windowPieces = Math.max(1, Math.floor(setting.scenario.limits.windowBytes / map.pieceLength))
    this.windows = [new Window(this, setting.timeline, windowPieces)]
  }

  get pieces(): PieceIndex {
    return this.supply.pieces
  }

  get complete(): boolean {
    return this.missing === 0
  }

  get leftBytes(): number {
    return this.missing * this.map.pieceLength
  }

  get patienceMs(): number {
    return patienceOf(this.pieceMs)
  }

  stateOf(piece: number): number {
    return this.#state[piece] as number
  }

  /** Every change of a piece goes through here, so that the index knows what is wanted. */
  become(piece: number, state: number): void {
    this.#state[piece] = state
    if (state <= ASKED) this.supply.want(piece, state === MISSING)
    else if (state === TOLD) this.told.add(piece)
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

  /** The reader takes what is there. */
  read(nowMs: number): void {
    const before = this.next
    while (this.next < this.count && this.stateOf(this.next) >= HERE) this.next += 1
    if (this.next > before) this.waitingSinceMs = nowMs
  }
}

/** How one torrent sees a peer of it; the peer has the twin. */
export class Connection implements PickPeer, SupplyPeer {
  readonly mine: Torrent
  readonly theirs: Torrent
  readonly joinedMs: number
  readonly role: PeerRole
  readonly id: PeerId
  readonly rate: RateMeter = rateMeter()
  readonly suggested = new Set<number>()
  readonly denied = new Map<number, number>()
  readonly offer: Offer
  /** Its number among the peers of the torrent that takes from it. */
  readonly slot: number
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
  /** Nothing can be asked of them until they have more. */
  exhausted = false

  constructor(mine: Torrent, theirs: Torrent, nowMs: number) {
    this.mine = mine
    this.theirs = theirs
    this.joinedMs = nowMs
    this.waitingSinceMs = nowMs
    this.role = theirs.host.role
    this.id = theirs.host.init.peerId
    this.twin = this
    this.slot = mine.complete ? 0 : mine.supply.add(this, theirs.told)
    this.offer = mine.pieces.offerOf(this.id)
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
}

/** What becomes of a request. */
export interface AskSteps {
  /** It has come to the peer. */
  asked(ask: Ask, nowMs: number): void
  /** An origin does not give it now. */
  refused(ask: Ask, nowMs: number): void
  arrived(ask: Ask, nowMs: number): void
  checked(ask: Ask, nowMs: number): void
}

/** One piece on its way from one peer, from the request until it is stored. */
export class Ask implements Passenger, Happening {
  readonly connection: Connection
  readonly piece: number
  readonly tokens: number
  readonly madeMs: number
  /** When it left the node, after its turn in the download rate. */
  askedMs: number | undefined
  /** With a refusal: when asking again makes sense. */
  retryMs = 0
  readonly #steps: AskSteps
  /** Withdrawn, or here. */
  over = false
  /** The other request for the same piece. */
  other: Ask | undefined
  step: keyof AskSteps = 'asked'

  constructor(connection: Connection, piece: number, init: { readonly madeMs: number; readonly steps: AskSteps }) {
    this.connection = connection
    this.piece = piece
    this.tokens = connection.mine.map.sizeOf(piece)
    this.madeMs = init.madeMs
    this.#steps = init.steps
  }

  /** For how long the peer has had to answer. */
  waitedMs(nowMs: number): number {
    return this.askedMs === undefined ? 0 : nowMs - this.askedMs
  }

  happen(nowMs: number): void {
    this.#steps[this.step](this, nowMs)
  }
}
