import type { Bitset, Random } from '../../../lib/base/index.ts'
import type { PeerId, PeerRole, PieceMap } from '../../../lib/core/index.ts'
import {
  type PickPeer,
  type PickView,
  type RateMeter,
  type ReaderWindow,
  rateMeter,
  type Shares,
  shares,
} from '../../../lib/swarm/picker/index.ts'
import { patienceOf } from '../../../lib/swarm/torrent/shared/demand.ts'
import type { Ledger } from './ledger.ts'
import type { Link } from './link.ts'
import type { Scenario } from './scenario.ts'
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
  connections = 0
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

/** How long an agent that may soon serve this one counts as if it did. */
const UNCHOKE_GRACE_MS = 500
/** When agents would need longer than this for what is left, idle origins help. */
const PATIENCE_SECONDS = 2

/** One blob at one host, as the picker sees it. */
export class Torrent implements PickView {
  readonly host: Host
  readonly layer: number
  readonly map: PieceMap
  readonly count: number
  readonly random: Random
  readonly state: Uint8Array
  readonly windows: readonly ReaderWindow[]
  /** For an origin. */
  readonly ledger: Ledger | undefined
  readonly connections: Connection[] = []
  readonly asks = new Map<number, Ask>()
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
  readonly #timeline: Timeline
  readonly #copies: Uint16Array
  #shares: Shares | undefined

  constructor(host: Host, layer: number, map: PieceMap, setting: Setting & { readonly ledger: Ledger | undefined }) {
    this.host = host
    this.layer = layer
    this.map = map
    this.count = map.count
    this.random = setting.random
    this.ledger = setting.ledger
    this.#timeline = setting.timeline
    this.missing = host.role === 'origin' ? 0 : map.count
    this.state = new Uint8Array(map.count).fill(host.role === 'origin' ? TOLD : MISSING)
    this.#copies = new Uint16Array(host.role === 'origin' ? 0 : map.count)
    this.windows = [new Window(this, setting)]
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

  wanted(piece: number): boolean {
    return this.state[piece] === MISSING
  }

  copies(piece: number): number {
    return this.#copies[piece] as number
  }

  served(piece: number): boolean {
    for (const peer of this.connections) {
      if (peer.role !== 'agent' || !peer.has(piece)) continue
      if (peer.choked ? this.#timeline.nowMs - peer.joinedMs < UNCHOKE_GRACE_MS : peer.isReliable) return true
    }
    return false
  }

  isMine(piece: number): boolean {
    this.#shares ??= shares([this.host.init.peerId, ...this.#incompletePeers()], this.count)
    return this.#shares.ownerOf(piece) === this.host.init.peerId
  }

  get agentsAreSlow(): boolean {
    let sum = 0
    for (const peer of this.connections) {
      if (peer.role !== 'agent' || !peer.isReliable) continue
      const rate = peer.rate.bytesPerSecond
      if (rate === undefined) return false
      sum += rate
    }
    return sum > 0 && this.leftBytes > sum * PATIENCE_SECONDS
  }

  /** An agent has one more piece. */
  countOne(piece: number): void {
    this.#copies[piece] = (this.#copies[piece] as number) + 1
  }

  /** Counts what an agent has, or no longer counts it. */
  countAll({ role, theirs }: Connection, change: 1 | -1): void {
    if (role !== 'agent' || this.host.role === 'origin') return
    for (let piece = 0; piece < this.count; piece += 1) {
      if (theirs.state[piece] === TOLD) this.#copies[piece] = (this.#copies[piece] as number) + change
    }
  }

  /** The agents among which the pieces are split are others than before. */
  regroup(): void {
    this.#shares = undefined
  }

  /** The reader takes what is there. */
  read(nowMs: number): void {
    const before = this.next
    while (this.next < this.count && (this.state[this.next] as number) >= HERE) this.next += 1
    if (this.next > before) this.waitingSinceMs = nowMs
  }

  *#incompletePeers(): Generator<string> {
    for (const { role, theirs, id } of this.connections) if (role === 'agent' && !theirs.complete) yield id
  }
}

/** The window in front of the reader of a torrent, as the engine's `windowOf` has it. */
class Window implements ReaderWindow {
  readonly #torrent: Torrent
  readonly #pieces: number
  readonly #timeline: Timeline

  constructor(torrent: Torrent, { timeline, scenario: { limits } }: Setting) {
    const { pieceLength } = torrent.map
    this.#torrent = torrent
    this.#timeline = timeline
    this.#pieces = Math.max(1, Math.min(limits.windowPieces, Math.floor(limits.windowBytes / pieceLength)))
  }

  get next(): number {
    return this.#torrent.next
  }

  get end(): number {
    return Math.min(this.#torrent.next + this.#pieces, this.#torrent.count)
  }

  get urgent(): boolean {
    const { next, waitingSinceMs, patienceMs } = this.#torrent
    return next === 0 || this.#timeline.nowMs - waitingSinceMs >= patienceMs
  }
}

/** How one torrent sees a peer of it; the peer has the twin. */
export class Connection implements PickPeer {
  readonly mine: Torrent
  readonly theirs: Torrent
  readonly joinedMs: number
  readonly role: PeerRole
  readonly id: PeerId
  readonly rate: RateMeter = rateMeter()
  readonly suggested = new Set<number>()
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
  /** What they have told, for the ledger of an origin. */
  readonly told: Bitset | undefined

  constructor(mine: Torrent, theirs: Torrent, init: { readonly nowMs: number; readonly told: Bitset | undefined }) {
    this.mine = mine
    this.theirs = theirs
    this.joinedMs = init.nowMs
    this.waitingSinceMs = init.nowMs
    this.told = init.told
    this.role = theirs.host.role
    this.id = theirs.host.init.peerId
    this.twin = this
  }

  has(piece: number): boolean {
    return this.theirs.state[piece] === TOLD
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
  arrived(ask: Ask, nowMs: number): void
  checked(ask: Ask, nowMs: number): void
  told(ask: Ask, nowMs: number): void
}

/** One piece on its way from one peer, from the request until all peers know that it is here. */
export class Ask implements Passenger, Happening {
  readonly connection: Connection
  readonly piece: number
  readonly tokens: number
  readonly madeMs: number
  /** When it left the node, after its turn in the download rate. */
  askedMs: number | undefined
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
