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

/** How long an agent that may soon serve this one counts as if it did. */
const UNCHOKE_GRACE_MS = 500

/** The pieces of one torrent's peers: the simulator's twin of the engine's `Suppliers`, over the same index. */
export class Supply {
  readonly pieces: PieceIndex
  readonly #share: OwnShare
  readonly #served: Bitset
  readonly #peers = new Set<SupplyPeer>()
  #serving = new Set<SupplyPeer>()

  constructor(self: string, pieces: number) {
    this.pieces = new PieceIndex(pieces)
    this.#share = new OwnShare(self, pieces)
    this.#served = new Bitset(pieces)
  }

  get mine(): Bitset {
    return this.#share.mine
  }

  add(peer: SupplyPeer, have: Bitset): void {
    this.#peers.add(peer)
    this.pieces.update(peer.id, { have, role: peer.role }, undefined)
    if (peer.role === 'agent') this.#share.set(peer.id, !have.complete)
  }

  remove(peer: SupplyPeer): void {
    if (!this.#peers.delete(peer)) return
    this.pieces.remove(peer.id)
    this.#share.set(peer.id, false)
    if (this.#serving.delete(peer)) this.#serve()
  }

  /** An agent has got `piece`; `have` is all that it has. */
  heard(peer: SupplyPeer, piece: number, have: Bitset): void {
    peer.suggested.delete(piece)
    this.pieces.update(peer.id, { have, role: peer.role }, piece)
    if (have.complete) this.#share.set(peer.id, false)
    if (this.#serving.has(peer)) this.#served.add(piece)
  }

  /** An origin does not give the piece before `untilMs`. */
  deny(peer: SupplyPeer, piece: number, untilMs: number): void {
    peer.denied.set(piece, untilMs)
    peer.suggested.delete(piece)
    this.pieces.withhold(peer.id, piece, true)
  }

  /** The peer may be asked again for what it denied long enough ago; true when there is such a piece. */
  readmit(peer: SupplyPeer, nowMs: number): boolean {
    const before = peer.denied.size
    for (const [piece, untilMs] of peer.denied) {
      if (nowMs < untilMs) continue
      peer.denied.delete(piece)
      this.pieces.withhold(peer.id, piece, false)
    }
    return peer.denied.size < before
  }

  /** The pieces at reliable agents, and at new ones that may begin to serve soon. */
  served(nowMs: number): Bitset {
    let changed = false
    for (const peer of this.#peers) {
      const isServing = serves(peer, nowMs)
      if (isServing === this.#serving.has(peer)) continue
      changed = true
      if (isServing) this.#serving.add(peer)
      else this.#serving.delete(peer)
    }
    if (changed) this.#serve()
    return this.#served
  }

  /** It needs nothing more, so that nothing is to be kept up to date. */
  close(): void {
    for (const peer of [...this.#peers]) this.pieces.remove(peer.id)
    this.#peers.clear()
    this.#serving.clear()
  }

  #serve(): void {
    const sets = [...this.#serving].map(({ id }) => this.pieces.offerOf(id).have)
    const whole = sets.find(({ complete }) => complete)
    this.#served.become(whole === undefined ? sets : [whole])
  }
}

function serves({ role, choked, joinedMs, isReliable }: SupplyPeer, nowMs: number): boolean {
  if (role !== 'agent') return false
  return choked ? nowMs - joinedMs < UNCHOKE_GRACE_MS : isReliable
}
