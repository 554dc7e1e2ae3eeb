import { Bitset } from '../../../lib/base/index.ts'
import type { PeerRole } from '../../../lib/core/index.ts'
import { OwnShare, PieceIndex } from '../../../lib/swarm/picker/index.ts'

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
  readonly slot: number
  isServing: boolean
}

/** How long an agent that may soon serve this one counts as if it did. */
const UNCHOKE_GRACE_MS = 500

/** What peers have told lies here until `settle` takes it in. */
export interface Mail {
  take(learn: (slot: number, piece: number) => void): void
  /** The piece has come, so that it does not matter any more who else has it. */
  hasCome(piece: number): boolean
}

/**
 * The pieces of one torrent's peers: the simulator's twin of the engine's `Suppliers`, over the same index. What peers
 * tell is taken in when somebody asks.
 */
export class Supply {
  readonly #pieces: PieceIndex
  readonly #share: OwnShare
  readonly #served: Bitset
  readonly #entries = new Map<SupplyPeer, Entry>()
  readonly #bySlot: (Entry | undefined)[] = []
  readonly #mail: Mail

  constructor(self: string, pieces: number, mail: Mail) {
    this.#mail = mail
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

  /** `slot` is the number of the peer in the news. */
  add(peer: SupplyPeer, slot: number, told: Bitset): void {
    const { id, role } = peer
    this.#pieces.update(id, { have: told, role }, undefined)
    const entry = { peer, role, have: told, slot, isServing: false }
    this.#entries.set(peer, entry)
    this.#bySlot[slot] = entry
    if (peer.role === 'agent') this.#share.set(peer.id, !told.complete)
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

  /** An agent has told of its last piece. */
  completed(peer: SupplyPeer): void {
    this.#share.set(peer.id, false)
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
  }

  /** Takes in what was told. */
  settle(): void {
    this.#mail.take(this.#learn)
  }

  readonly #learn = (slot: number, piece: number): void => {
    if (this.#mail.hasCome(piece)) return
    const entry = this.#bySlot[slot]
    if (entry === undefined) return
    this.#pieces.update(entry.peer.id, entry, piece)
    if (entry.isServing) this.#served.add(piece)
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
