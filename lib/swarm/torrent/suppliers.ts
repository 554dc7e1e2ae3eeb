import type { PeerConnection } from '../peer/index.ts'
import { type Availability, availability, type Shares, shares } from '../picker/index.ts'
import { bySuitability, isReliable, type Supplier, suggest, supplier } from './supplier.ts'

export interface SuppliersInit {
  /** Peer id of this node. */
  readonly self: string
  /** Number of pieces. */
  readonly pieces: number
}

/** An agent that has room for a new peer says so within this time. */
const UNCHOKE_GRACE_MS = 500

/** The peers of one download and what they have, kept so that a choice of a piece needs no counting. */
export class Suppliers {
  readonly #init: SuppliersInit
  readonly #byId = new Map<string, Supplier>()
  readonly #availability: Availability
  #shares: Shares

  constructor(init: SuppliersInit) {
    this.#init = init
    this.#availability = availability(init.pieces)
    this.#shares = shares([init.self], init.pieces)
  }

  get size(): number {
    return this.#byId.size
  }

  get(id: string): Supplier | undefined {
    return this.#byId.get(id)
  }

  /** There are peers that serve this node, and each was too late the last time. */
  get allMissed(): boolean {
    const serving = [...this.#byId.values()].filter(({ connection, suspected }) => !connection.choked && !suspected)
    return serving.length > 0 && serving.every(({ misses }) => misses > 0)
  }

  /** Bytes per second of the agents to count on; undefined while that of one is not known, or there is none. */
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

  /** Nothing is asked of it any more, as long as it is not known who lied. */
  suspect(id: string): void {
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

  /** Some peer has the piece, whether it serves this node or not. */
  hold(piece: number): boolean {
    for (const { connection, suspected } of this.#byId.values()) {
      if (!suspected && connection.remoteHave.has(piece)) return true
    }
    return false
  }

  /** An agent to count on has the piece, or one that has only just come and may serve this node in a moment. */
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

  /** The pieces are shared with the agents that still need some. */
  #regroup(): void {
    const members = [this.#init.self]
    for (const { id, connection } of this.#byId.values()) {
      if (connection.hello.role === 'agent' && !connection.remoteHave.complete) members.push(id)
    }
    this.#shares = shares(members, this.#init.pieces)
  }
}
