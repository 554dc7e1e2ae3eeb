import { Bitset, type Random } from '../../../lib/base/index.ts'
import type { PeerId, PeerRole, PieceMap } from '../../../lib/core/index.ts'
import type { OriginLedger, PickView, PieceIndex } from '../../../lib/swarm/picker/index.ts'
import { patienceOf } from '../../../lib/swarm/torrent/shared/demand.ts'
import type { Ask } from './ask.ts'
import type { Connection } from './connection.ts'
import type { HaveBatch } from './have-batch.ts'
import type { Books } from './ledger.ts'
import type { Link } from './link.ts'
import type { News } from './news.ts'
import { Window } from './reading.ts'
import type { Scenario } from './scenario.ts'
import { type Mail, Supply } from './supply.ts'
import type { Timeline } from './timeline.ts'
import type { Turns } from './turns.ts'

/** What every part of a run shares. */
export interface Setting {
  readonly timeline: Timeline
  readonly scenario: Scenario
  readonly random: Random
  readonly news: News
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
export class Torrent implements PickView, Mail {
  /** Its number among all torrents of the run. */
  readonly number: number
  readonly host: Host
  readonly layer: number
  readonly map: PieceMap
  readonly count: number
  readonly random: Random
  readonly scope = 'all'
  readonly windows: readonly Window[]
  /** For an origin. */
  readonly books: Books | undefined
  readonly supply: Supply
  /** What the peers know that it has. */
  readonly told: Bitset
  readonly connections: Connection[] = []
  /** The same by their numbers. */
  readonly bySlot: (Connection | undefined)[] = []
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
  readonly #news: News

  constructor(host: Host, layer: number, map: PieceMap, setting: Setting & { readonly books: Books | undefined }) {
    const isOrigin = host.role === 'origin'
    this.host = host
    this.layer = layer
    this.map = map
    this.count = map.count
    this.random = setting.random
    this.books = setting.books
    this.#timeline = setting.timeline
    this.#news = setting.news
    this.number = host.init.index * setting.scenario.layers.length + layer
    this.missing = isOrigin ? 0 : map.count
    this.#state = new Uint8Array(map.count).fill(isOrigin ? TOLD : MISSING)
    this.told = isOrigin ? Bitset.full(map.count) : new Bitset(map.count)
    this.supply = new Supply(host.init.peerId, map.count, this)
    if (!isOrigin) for (let piece = 0; piece < map.count; piece += 1) this.supply.want(piece, true)
    const windowPieces = Math.max(1, Math.floor(setting.scenario.limits.windowBytes / map.pieceLength))
    this.windows = [new Window(this, setting.timeline, windowPieces)]
  }

  get ledger(): OriginLedger | undefined {
    return this.books?.ledger
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

  take(learn: (slot: number, piece: number) => void): void {
    this.#news.take(this.number, learn)
  }

  isHere(piece: number): boolean {
    return this.stateOf(piece) >= CHECKED
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
