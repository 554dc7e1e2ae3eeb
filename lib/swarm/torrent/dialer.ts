import { type AppError, type Background, type Clock, deadline, type Random, toAppError } from '../../base/index.ts'
import type { PeerAddress, PeerId, PeerInfo } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'
import type { PeerConnection } from '../peer/index.ts'

/** The connections of all torrents together. */
export interface ConnectionCount {
  open: number
  halfOpen: number
}

export interface DialerComponents {
  readonly clock: Clock
  readonly random: Random
  readonly limits: SwarmLimits
  readonly connections: ConnectionCount
}

export interface DialerInit {
  readonly tasks: Background
  dial(address: PeerAddress, signal: AbortSignal): Promise<PeerConnection>
  /** Connected already, banned, outside of the allowed networks, or ourselves. */
  avoids(peer: PeerInfo): boolean
  /** Open connections of this torrent. */
  size(): number
  onConnection(connection: PeerConnection): void
  /** The attempt is over; there may be room for another one, or no hope left. */
  onSettled(err: AppError | undefined): void
}

interface Candidate {
  peer: PeerInfo
  failures: number
  notBeforeMs: number
  dialling: boolean
}

const RETRY = { baseMs: 1_000, maxMs: 30_000 }
const MAX_FAILURES = 6
const MAX_CANDIDATES = 200

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

  /** Attempts under way. */
  get dialling(): number {
    return this.#dialling
  }

  /** Uses the order of the answer; a peer that failed before keeps its record unless its address has changed. */
  offer(peers: readonly PeerInfo[]): void {
    const known = this.#candidates
    this.#candidates = new Map()
    for (const peer of [...peers, ...[...known.values()].map((candidate) => candidate.peer)]) {
      if (this.#candidates.size >= MAX_CANDIDATES) break
      if (this.#candidates.has(peer.peerId)) continue
      const before = known.get(peer.peerId)
      const moved = before?.peer.host !== peer.host || before.peer.port !== peer.port
      if (before !== undefined && (!moved || before.dialling)) this.#candidates.set(peer.peerId, before)
      else this.#candidates.set(peer.peerId, { peer, failures: 0, notBeforeMs: 0, dialling: false })
    }
  }

  /** Starts attempts while there is room. */
  fill(): void {
    const { clock, limits, connections } = this.#components
    const nowMs = clock.monotonicMs()
    for (const candidate of this.#candidates.values()) {
      if (this.#init.size() + this.#dialling >= limits.maxConnectionsPerTorrentSoft) return
      if (connections.halfOpen >= limits.maxHalfOpen) return
      if (connections.open + connections.halfOpen >= limits.maxConnections) return
      if (candidate.dialling || nowMs < candidate.notBeforeMs || this.#init.avoids(candidate.peer)) continue
      this.#attempt(candidate)
    }
  }

  #attempt(candidate: Candidate): void {
    const { clock, limits, connections } = this.#components
    candidate.dialling = true
    this.#dialling += 1
    connections.halfOpen += 1
    this.#init.tasks.run('dial', async (outer) => {
      const limit = deadline(clock, limits.dialTimeoutMs, outer)
      try {
        const connection = await this.#init.dial(candidate.peer, limit.signal)
        if (outer.aborted) connection.close()
        else this.#init.onConnection(connection)
        this.#settle(candidate, undefined)
      } catch (err) {
        this.#settle(candidate, toAppError(err, 'PEER_CLOSED'))
      } finally {
        limit.release()
      }
    })
  }

  #settle(candidate: Candidate, err: AppError | undefined): void {
    const { clock, random, connections } = this.#components
    candidate.dialling = false
    this.#dialling -= 1
    connections.halfOpen -= 1
    candidate.failures = err === undefined ? 0 : candidate.failures + 1
    // Also after a success, so that a peer that hangs up at once is not dialled in a loop.
    const wait = Math.min(RETRY.maxMs, RETRY.baseMs * 2 ** candidate.failures)
    candidate.notBeforeMs = clock.monotonicMs() + wait * (0.5 + random.next() / 2)
    if (candidate.failures >= MAX_FAILURES) this.#candidates.delete(candidate.peer.peerId)
    this.#init.onSettled(err)
  }
}
