import type { PeerConnection } from '../peer/index.ts'
import { type Availability, availability, type Shares, shares } from '../picker/index.ts'
import { bySuitability, isReliable, type Supplier, suggest, supplier } from './supplier.ts'

export interface SuppliersInit {
  /** Peer id of this node. */
  readonly self: string
  /** Number of pieces. */
  readonly pieces: number
}

/** An agent with room for a new peer unchokes it within this time. */
const UNCHOKE_GRACE_MS = 500

/** The peers of one download and their pieces, organised so that a choice of a piece needs no counting. */
export class Suppliers {
  readonly #init: SuppliersInit
  readonly #byId = new Map<string, Supplier>()
  readonly #suspected = new Set<string>()
  readonly #availability: Availability
  #shares: Shares

  constructor(init: SuppliersInit) {
    this.#init = init
    this.#availability = availability(init.pieces)
    this.#shares = shares([init.self], init.pieces)
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

  /** Best first. */
  ordered(): readonly Supplier[] {
    return [...this.#byId.values()].sort(bySuitability)
  }

  add(connection: PeerConnection, nowMs: number): void {
    const peer = supplier(connection, nowMs)
    peer.suspected = this.#suspected.has(peer.id)
    this.#byId.set(peer.id, peer)
    this.update(peer, undefined)
  }

  remove(peer: Supplier): void {
    if (!this.#byId.delete(peer.id)) return
    this.#availability.remove(peer.id)
    this.#regroup()
  }

  /** It has got `piece`, or told anew what it has. */
  update(peer: Supplier, piece: number | undefined): void {
    const { hello, remoteHave } = peer.connection
    if (piece !== undefined) peer.suggested.delete(piece)
    peer.exhaustedAt = -1
    if (hello.role !== 'agent') return
    this.#availability.update(peer.id, remoteHave, piece)
    if (piece === undefined || remoteHave.complete) this.#regroup()
  }

  /** Asks the peer for nothing until it is known who lied, also when it connects again. */
  suspect(id: string): void {
    this.#suspected.add(id)
    const peer = this.#byId.get(id)
    if (peer !== undefined) peer.suspected = true
  }

  suggest(peer: Supplier, piece: number): void {
    suggest(peer, piece)
    peer.exhaustedAt = -1
  }

  isOrigin(id: string): boolean {
    return this.#byId.get(id)?.connection.hello.role === 'origin'
  }

  /** Agents that have the piece. */
  copies(piece: number): number {
    return this.#availability.copies(piece)
  }

  /** Whether some peer has a piece that `wants` names, even a peer that does not serve this node. */
  holdAny(wants: (piece: number) => boolean): boolean {
    const peers = [...this.#byId.values()].filter(({ suspected }) => !suspected)
    for (let piece = 0; piece < this.#init.pieces; piece += 1) {
      if (wants(piece) && peers.some(({ connection }) => connection.remoteHave.has(piece))) return true
    }
    return false
  }

  /** Whether the piece is at a reliable agent, or at a new one that may begin to serve this node soon. */
  served(piece: number, nowMs: number): boolean {
    for (const peer of this.#byId.values()) {
      const { connection, joinedMs } = peer
      if (connection.hello.role !== 'agent' || peer.suspected || !connection.remoteHave.has(piece)) continue
      if (connection.choked ? nowMs - joinedMs < UNCHOKE_GRACE_MS : isReliable(peer)) return true
    }
    return false
  }

  isMine(piece: number): boolean {
    return this.#shares.ownerOf(piece) === this.#init.self
  }

  /** Splits the pieces among the agents that still need some. */
  #regroup(): void {
    const members = [this.#init.self]
    for (const { id, connection } of this.#byId.values()) {
      if (connection.hello.role === 'agent' && !connection.remoteHave.complete) members.push(id)
    }
    this.#shares = shares(members, this.#init.pieces)
  }
}
