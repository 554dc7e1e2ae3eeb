import { Bitset } from '../../../base/index.ts'
import type { PeerConnection } from '../../peer/index.ts'
import { OwnShare, PieceIndex } from '../../picker/index.ts'
import { SourceBook } from './source-book.ts'
import { isReliable, type Supplier, suggest, supplier } from './supplier.ts'

export interface SuppliersInit {
  /** Peer id of this node. */
  readonly self: string
  /** Number of pieces. */
  readonly pieces: number
}

/** The rates of peers beside each other are looked at again after this time. */
const RATES_MS = 100

/** An agent with room for a new peer unchokes it within this time. */
const UNCHOKE_GRACE_MS = 500

/** The peers of one download and their pieces, organised so that a choice of a piece needs no counting. */
export class Suppliers {
  readonly #byId = new Map<string, Supplier>()
  readonly #suspected = new Set<string>()
  /** What each of them did, also after it left. */
  readonly book = new SourceBook()
  /** Which pieces are wanted, and who has them. */
  readonly pieces: PieceIndex
  readonly #share: OwnShare
  /** The pieces of the peers in `#serving`. */
  readonly #served: Bitset
  #serving: readonly Supplier[] = []
  /** The known rates in ascending order, and when they were looked at. */
  #rates: readonly number[] = []
  #ratesAtMs = Number.NEGATIVE_INFINITY

  constructor(init: SuppliersInit) {
    this.pieces = new PieceIndex(init.pieces)
    this.#share = new OwnShare(init.self, init.pieces)
    this.#served = new Bitset(init.pieces)
  }

  get(id: string): Supplier | undefined {
    return this.#byId.get(id)
  }

  /** True when some peers serve this node and each of them was too late last time. */
  get allMissed(): boolean {
    const serving = [...this.#byId.values()].filter(({ connection, suspected }) => !connection.choked && !suspected)
    return serving.length > 0 && serving.every(({ misses }) => misses > 0)
  }

  /** Total bytes per second of the reliable agents; undefined when one of their rates is unknown, or there are none. */
  get agentRate(): number | undefined {
    let sum: number | undefined
    for (const peer of this.#byId.values()) {
      if (peer.connection.hello.role !== 'agent' || !isReliable(peer)) continue
      const { rate } = peer
      if (rate.bytesPerSecond === undefined) return undefined
      sum = (sum ?? 0) + rate.bytesPerSecond
    }
    return sum
  }

  /** The median rate of peers whose rate is known; undefined when that is nobody but `peer`. */
  usualRate(nowMs: number, peer: Supplier): number | undefined {
    if (nowMs - this.#ratesAtMs >= RATES_MS) {
      this.#ratesAtMs = nowMs
      const known = [...this.#byId.values()].map(({ rate }) => rate.bytesPerSecond ?? Number.NaN)
      this.#rates = known.filter((rate) => !Number.isNaN(rate)).sort((a, b) => a - b)
    }
    const isAlone = this.#rates.length <= (peer.rate.bytesPerSecond === undefined ? 0 : 1)
    return isAlone ? undefined : this.#rates[this.#rates.length >> 1]
  }

  some(fits: (peer: Supplier) => boolean): boolean {
    for (const peer of this.#byId.values()) if (fits(peer)) return true
    return false
  }

  [Symbol.iterator](): IterableIterator<Supplier> {
    return this.#byId.values()
  }

  /** An origin has been asked for something that has not come. */
  get originsOwe(): boolean {
    for (const { connection, openBlocks } of this.#byId.values()) {
      if (openBlocks > 0 && connection.hello.role === 'origin') return true
    }
    return false
  }

  add(connection: PeerConnection, nowMs: number): void {
    const peer = supplier(connection, this.book.of(connection.hello), nowMs)
    peer.suspected = this.#suspected.has(peer.id)
    this.#byId.set(peer.id, peer)
    this.update(peer, undefined)
  }

  remove(peer: Supplier): void {
    if (!this.#byId.delete(peer.id)) return
    this.pieces.remove(peer.id)
    this.#share.set(peer.id, false)
    this.#serving = this.#serving.filter((each) => each !== peer)
    this.#serve()
  }

  /** It has got `piece`, or told anew what it has. */
  update(peer: Supplier, piece: number | undefined): void {
    const { hello, remoteHave } = peer.connection
    if (piece !== undefined) peer.suggested.delete(piece)
    peer.exhaustedAt = -1
    this.pieces.update(peer.id, { have: remoteHave, role: hello.role }, piece)
    for (const denied of peer.denied.keys()) this.pieces.withhold(peer.id, denied, true)
    if (hello.role !== 'agent') return
    // The pieces are split among the agents that still need some.
    this.#share.set(peer.id, !remoteHave.complete)
    if (!this.#serving.includes(peer)) return
    if (piece === undefined) this.#serve()
    else this.#served.add(piece)
  }

  /** Asks the peer for nothing until it is known who lied, also when it connects again. */
  suspect(id: string): void {
    this.#suspected.add(id)
    const peer = this.#byId.get(id)
    if (peer !== undefined) peer.suspected = true
  }

  /** An origin does not give the piece before `untilMs`. Of agents, a rejection is all there is. */
  deny(peer: Supplier, piece: number, untilMs: number): void {
    if (peer.connection.hello.role !== 'origin') return
    peer.denied.set(piece, untilMs)
    peer.suggested.delete(piece)
    this.pieces.withhold(peer.id, piece, true)
  }

  /** Origins may be asked again for what they denied long enough ago. */
  readmit(nowMs: number): void {
    for (const peer of this.#byId.values()) {
      for (const [piece, untilMs] of peer.denied) {
        if (nowMs < untilMs) continue
        peer.denied.delete(piece)
        if (peer.connection.remoteHave.has(piece)) this.pieces.withhold(peer.id, piece, false)
        peer.exhaustedAt = -1
      }
    }
  }

  suggest(peer: Supplier, piece: number): void {
    suggest(peer, piece)
    peer.exhaustedAt = -1
  }

  isOrigin(id: string): boolean {
    return this.#byId.get(id)?.connection.hello.role === 'origin'
  }

  /** Whether some peer has a wanted piece, or one of `others`, even a peer that does not serve this node. */
  holdAny(others: Iterable<number>): boolean {
    const peers = [...this.#byId.values()].filter(({ suspected }) => !suspected)
    if (peers.some(({ id }) => this.pieces.offerOf(id).isOfUse)) return true
    if (peers.some(({ denied }) => [...denied.keys()].some((piece) => this.pieces.wanted(piece)))) return true
    for (const piece of others) if (peers.some(({ connection }) => connection.remoteHave.has(piece))) return true
    return false
  }

  /** The pieces at reliable agents, and at new ones that may begin to serve this node soon. Live, only to be read. */
  served(nowMs: number): Bitset {
    const serving: Supplier[] = []
    for (const peer of this.#byId.values()) if (serves(peer, nowMs)) serving.push(peer)
    const isSame = serving.length === this.#serving.length && serving.every((peer, at) => peer === this.#serving[at])
    if (!isSame) {
      this.#serving = serving
      this.#serve()
    }
    return this.#served
  }

  /** The pieces that this node should fetch from origins. Live, only to be read. */
  get mine(): Bitset {
    return this.#share.mine
  }

  #serve(): void {
    const sets = this.#serving.map(({ id }) => this.pieces.offerOf(id).have)
    const whole = sets.find(({ complete }) => complete)
    this.#served.become(whole === undefined ? sets : [whole])
  }
}

function serves(peer: Supplier, nowMs: number): boolean {
  const { connection, joinedMs, suspected } = peer
  if (connection.hello.role !== 'agent' || suspected) return false
  return connection.choked ? nowMs - joinedMs < UNCHOKE_GRACE_MS : isReliable(peer)
}
