import { Bitset } from '../../../lib/base/index.ts'
import type { PeerRole } from '../../../lib/core/index.ts'
import { type Offer, OwnShare, PieceIndex } from '../../../lib/swarm/picker/index.ts'

/** A peer as a source of pieces. */
export interface SupplyPeer {
  readonly id: string
  readonly role: PeerRole
  readonly joinedMs: number
  readonly choked: boolean
  readonly isReliable: boolean
  /** Until when it does not give each of these pieces. */
  readonly denied: Map<number, number>
  readonly suggested: Set<number>
}

interface Entry {
  readonly peer: SupplyPeer
  readonly role: PeerRole
  /** What it has told. */
  readonly have: Bitset
  /** What is known here of that. */
  readonly offer: Offer
  readonly slot: number
  isServing: boolean
}

/** How long an agent that may soon serve this one counts as if it did. */
const UNCHOKE_GRACE_MS = 500
/** News that wait are numbers: this many bits for the piece, the others for who has it. */
const PIECE_BITS = 20
const PIECE_MASK = 2 ** PIECE_BITS - 1
const MAX_NEWS = 512

/**
 * The pieces of one torrent's peers: the simulator's twin of the engine's `Suppliers`, over the same index. What peers
 * tell waits until somebody asks, and then goes into the index at once: with thousands of torrents each finds its own
 * memory far away, so that one walk for many pieces costs little more than one for each.
 */
export class Supply {
  readonly #pieces: PieceIndex
  readonly #share: OwnShare
  readonly #served: Bitset
  readonly #entries = new Map<SupplyPeer, Entry>()
  readonly #bySlot: (Entry | undefined)[] = []
  readonly #news = new Uint32Array(MAX_NEWS)
  #newsCount = 0

  constructor(self: string, pieces: number) {
    if (pieces > PIECE_MASK) throw new RangeError(`${pieces} pieces are too many to be simulated`)
    this.#pieces = new PieceIndex(pieces)
    this.#share = new OwnShare(self, pieces)
    this.#served = new Bitset(pieces)
  }

  get mine(): Bitset {
    this.settle()
    return this.#share.mine
  }

  /** The index, with everything that was told. */
  get pieces(): PieceIndex {
    this.settle()
    return this.#pieces
  }

  /** Whether the piece is wanted; that does not depend on what peers tell. */
  wanted(piece: number): boolean {
    return this.#pieces.wanted(piece)
  }

  /** Says whether the piece is wanted. */
  want(piece: number, wanted: boolean): void {
    this.#pieces.want(piece, wanted)
  }

  /** The number of the peer here; see `heard`. */
  add(peer: SupplyPeer, told: Bitset): number {
    const free = this.#bySlot.indexOf(undefined)
    const slot = free < 0 ? this.#bySlot.length : free
    const { id, role } = peer
    this.#pieces.update(id, { have: told, role }, undefined)
    const entry = { peer, role, have: told, offer: this.#pieces.offerOf(id), slot, isServing: false }
    this.#entries.set(peer, entry)
    this.#bySlot[slot] = entry
    if (peer.role === 'agent') this.#share.set(peer.id, !told.complete)
    return slot
  }

  remove(peer: SupplyPeer): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    this.settle()
    this.#entries.delete(peer)
    this.#bySlot[entry.slot] = undefined
    this.#pieces.remove(peer.id)
    this.#share.set(peer.id, false)
    if (entry.isServing) this.#serve()
  }

  /** The agent with this number has got these pieces. */
  heard(slot: number, pieces: readonly number[]): void {
    for (const piece of pieces) {
      if (this.#newsCount === MAX_NEWS) this.settle()
      this.#news[this.#newsCount] = (slot << PIECE_BITS) | piece
      this.#newsCount += 1
    }
  }

  /** An origin does not give the piece before `untilMs`. */
  deny(peer: SupplyPeer, piece: number, untilMs: number): void {
    peer.denied.set(piece, untilMs)
    peer.suggested.delete(piece)
    this.#pieces.withhold(peer.id, piece, true)
  }

  /** The peer may be asked again for what it denied long enough ago; true when there is such a piece. */
  readmit(peer: SupplyPeer, nowMs: number): boolean {
    const before = peer.denied.size
    for (const [piece, untilMs] of peer.denied) {
      if (nowMs < untilMs) continue
      peer.denied.delete(piece)
      this.#pieces.withhold(peer.id, piece, false)
    }
    return peer.denied.size < before
  }

  /** The pieces at reliable agents, and at new ones that may begin to serve soon. */
  served(nowMs: number): Bitset {
    this.settle()
    let changed = false
    for (const entry of this.#entries.values()) {
      const isServing = serves(entry.peer, nowMs)
      if (isServing === entry.isServing) continue
      changed = true
      entry.isServing = isServing
    }
    if (changed) this.#serve()
    return this.#served
  }

  /** It needs nothing more, so that nothing is to be kept up to date. */
  close(): void {
    for (const { id } of this.#entries.keys()) this.#pieces.remove(id)
    this.#entries.clear()
    this.#bySlot.length = 0
    this.#newsCount = 0
  }

  /** Takes in what was told. */
  settle(): void {
    const count = this.#newsCount
    if (count === 0) return
    this.#newsCount = 0
    for (let at = 0; at < count; at += 1) {
      const news = this.#news[at] as number
      const entry = this.#bySlot[news >>> PIECE_BITS]
      if (entry !== undefined) this.#learn(entry, news & PIECE_MASK)
    }
  }

  #learn(entry: Entry, piece: number): void {
    const { peer } = entry
    this.#pieces.update(peer.id, entry, piece)
    if (entry.isServing) this.#served.add(piece)
    if (entry.offer.have.complete) this.#share.set(peer.id, false)
  }

  #serve(): void {
    const serving = [...this.#entries.values()].filter(({ isServing }) => isServing)
    const sets = serving.map(({ peer }) => this.#pieces.offerOf(peer.id).have)
    const whole = sets.find(({ complete }) => complete)
    this.#served.become(whole === undefined ? sets : [whole])
  }
}

function serves({ role, choked, joinedMs, isReliable }: SupplyPeer, nowMs: number): boolean {
  if (role !== 'agent') return false
  return choked ? nowMs - joinedMs < UNCHOKE_GRACE_MS : isReliable
}
