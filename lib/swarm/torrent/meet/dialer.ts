import { type AppError, type Background, type Clock, deadline, type Random, toAppError } from '../../../base/index.ts'
import type { PeerId, PeerInfo } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { PeerConnection } from '../../peer/index.ts'

/** The connections of all torrents together. */
export interface ConnectionCount {
  /** Peers, each once for each torrent. */
  open: number
  /** Links that peers are connected over: one may serve many torrents. */
  links: number
  halfOpen: number
  /** Being turned away, and not counted as open. */
  leaving: number
}

export interface DialerComponents {
  readonly clock: Clock
  readonly random: Random
  readonly limits: SwarmLimits
  readonly connections: ConnectionCount
}

export interface DialerInit {
  readonly tasks: Background
  dial(peer: PeerInfo, signal: AbortSignal): Promise<PeerConnection>
  /** A link to the peer is there or on its way: to reach it costs no new one. */
  reaches(peer: PeerInfo): boolean
  /** Connected already, banned, outside of the allowed networks, or ourselves. */
  avoids(peer: PeerInfo): boolean
  /** Open connections of this torrent. */
  size(): number
  onConnection(connection: PeerConnection): void
  /** An attempt is over, or may be made again: there may be room for another one, or no hope left. */
  onSettled(): void
}

/**
 * Whether peers may still come. Some are `waiting`: they had no turn to be dialled, since the node dials as many as it
 * may, or they are full. `some` are connected or on their way, or a tracker may still name them. Or there are `none`.
 */
export type Prospect = 'waiting' | 'some' | 'none'

interface Candidate {
  peer: PeerInfo
  /** Attempts in a row that came to nothing. */
  failures: number
  notBeforeMs: number
  dialling: boolean
  connectedMs: number
  /** It hung up the last time as one does that is full, or did not answer in time. */
  busy: boolean
}

const RETRY = { baseMs: 1_000, maxMs: 30_000 }
/** A peer that hangs up within this time and has given nothing is full. */
const HANG_UP_MS = 5_000
const MAX_FAILURES = 6
/** So often a torrent that could dial somebody sees whether the node may have one more link. */
const ROOM_MS = 100
export const MAX_CANDIDATES = 200

/** Connects to the peers that trackers name, best first, within the limits of connections. */
export class Dialer {
  readonly #components: DialerComponents
  readonly #init: DialerInit
  #candidates = new Map<PeerId, Candidate>()
  #dialling = 0

  constructor(components: DialerComponents, init: DialerInit) {
    this.#components = components
    this.#init = init
  }

  /** Somebody was named who may be dialled, now or later. */
  get anyone(): boolean {
    return this.#candidates.size > 0
  }

  /** `named` once trackers have said, or could have said, who else there is. */
  prospect(named: boolean): Prospect {
    if (this.#anyWaits) return 'waiting'
    return this.#init.size() > 0 || this.#dialling > 0 || !named ? 'some' : 'none'
  }

  /** Somebody may be dialled and has not been yet, or is only full. */
  get #anyWaits(): boolean {
    if (this.#isFull) return false
    const nowMs = this.#components.clock.monotonicMs()
    return [...this.#candidates.values()].some(
      (it) =>
        !this.#init.avoids(it.peer) && !it.dialling && (it.busy || (it.failures === 0 && nowMs >= it.notBeforeMs)),
    )
  }

  /** Uses the order of the answer; a peer that failed before keeps its record unless its address or role has changed. */
  offer(peers: readonly PeerInfo[]): void {
    const known = this.#candidates
    this.#candidates = new Map()
    for (const peer of [...peers, ...[...known.values()].map((candidate) => candidate.peer)]) {
      if (this.#candidates.size >= MAX_CANDIDATES) break
      if (this.#candidates.has(peer.peerId)) continue
      const before = known.get(peer.peerId)
      const moved = before?.peer.host !== peer.host || before.peer.port !== peer.port || before.peer.role !== peer.role
      if (before !== undefined && (!moved || before.dialling)) this.#candidates.set(peer.peerId, before)
      else this.#candidates.set(peer.peerId, newCandidate(peer))
    }
  }

  /**
   * Peers that a full peer named: tried after those that trackers named. Who an origin is, only trackers say: of one,
   * everything would be asked that nobody else gives.
   */
  hint(peers: readonly PeerInfo[]): void {
    for (const peer of peers) {
      if (peer.role === 'origin') continue
      if (this.#candidates.size >= MAX_CANDIDATES) return
      if (!this.#candidates.has(peer.peerId)) this.#candidates.set(peer.peerId, newCandidate(peer))
    }
  }

  /**
   * Starts attempts while there is room. Gives in how many milliseconds time alone may let it start another one;
   * Infinity when only an event can.
   */
  fill(): number {
    const nowMs = this.#components.clock.monotonicMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const candidate of this.#candidates.values()) {
      if (this.#isFull) return Number.POSITIVE_INFINITY
      const { dialling, notBeforeMs, peer } = candidate
      if (dialling || this.#init.avoids(peer)) continue
      const isShared = this.#init.reaches(peer)
      if (nowMs < notBeforeMs) nextMs = Math.min(nextMs, notBeforeMs - nowMs)
      else if (isShared || this.#mayDial) this.#attempt(candidate, isShared)
      else nextMs = Math.min(nextMs, ROOM_MS)
    }
    return nextMs
  }

  /** The node may have one more link. */
  get #mayDial(): boolean {
    const { limits, connections } = this.#components
    const { links, halfOpen } = connections
    return halfOpen < limits.maxHalfOpen && links + halfOpen < limits.maxConnections
  }

  /** The torrent needs no more connections. */
  get #isFull(): boolean {
    return this.#init.size() + this.#dialling >= this.#components.limits.maxConnectionsPerTorrentSoft
  }

  /** The connection to a peer is over; `gave` when it was of use. A full peer says so by hanging up. */
  lost(id: PeerId, gave: boolean): void {
    const candidate = this.#candidates.get(id)
    if (candidate === undefined) return
    candidate.busy = !gave && this.#components.clock.monotonicMs() - candidate.connectedMs < HANG_UP_MS
    candidate.failures = candidate.busy ? Math.min(candidate.failures + 1, MAX_FAILURES - 1) : 0
    this.#rest(candidate)
  }

  #attempt(candidate: Candidate, isShared: boolean): void {
    const { clock, limits, connections } = this.#components
    candidate.dialling = true
    this.#dialling += 1
    if (!isShared) connections.halfOpen += 1
    this.#init.tasks.run('dial', async (outer) => {
      const limit = deadline(clock, limits.dialTimeoutMs, outer)
      try {
        const connection = await this.#init.dial(candidate.peer, limit.signal)
        if (outer.aborted) connection.close()
        else this.#init.onConnection(connection)
        this.#settle(candidate, { isShared, isLate: false }, undefined)
      } catch (err) {
        this.#settle(candidate, { isShared, isLate: limit.expired }, toAppError(err, 'PEER_CLOSED'))
      } finally {
        limit.release()
      }
    })
  }

  /** `isLate`: it did not answer in time, which on a busy machine does not mean that it is not there. */
  #settle(
    candidate: Candidate,
    { isShared, isLate }: { readonly isShared: boolean; readonly isLate: boolean },
    err: AppError | undefined,
  ): void {
    const { clock, connections } = this.#components
    candidate.dialling = false
    this.#dialling -= 1
    if (!isShared) connections.halfOpen -= 1
    candidate.busy = isLate
    if (err === undefined) candidate.connectedMs = clock.monotonicMs()
    else candidate.failures += 1
    this.#rest(candidate)
    if (candidate.failures >= MAX_FAILURES) this.#candidates.delete(candidate.peer.peerId)
    this.#init.onSettled()
  }

  /** Before the next attempt: longer each time, also for one that was let in and hung up at once. */
  #rest(candidate: Candidate): void {
    const { clock, random } = this.#components
    const wait = Math.min(RETRY.maxMs, RETRY.baseMs * 2 ** candidate.failures)
    candidate.notBeforeMs = clock.monotonicMs() + wait * (0.5 + random.next() / 2)
  }
}

function newCandidate(peer: PeerInfo): Candidate {
  return { peer, failures: 0, notBeforeMs: 0, dialling: false, connectedMs: Number.NEGATIVE_INFINITY, busy: false }
}
