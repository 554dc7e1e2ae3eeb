import { requestTimeoutMs } from '../../../lib/swarm/picker/index.ts'
import type { Ask } from './ask.ts'
import type { Connection } from './connection.ts'
import type { Setting, Torrent } from './model.ts'
import { freePieces, paceOf } from './pace.ts'
import type { Tally } from './tally.ts'

/** As in the engine's `BlockRequests` and `nextBlock`. */
const MISS_COOLDOWN = { baseMs: 250, maxMs: 5_000 }
const MAX_REPEAT_BLOCKS = 8
const END_PATIENCE_SHARE = 0.5

/** What can be done about a late request. */
export interface LateActions {
  ask(peer: Connection, piece: number, other: Ask): void
  giveUp(ask: Ask): void
}

/** Requests that take too long: what is given up, and what is asked of a second peer. */
export class Lateness {
  readonly #setting: Setting
  readonly #tally: Tally
  readonly #actions: LateActions

  constructor(setting: Setting, tally: Tally, actions: LateActions) {
    this.#setting = setting
    this.#tally = tally
    this.#actions = actions
  }

  /** Gives up what is too late. */
  expire(torrent: Torrent, nowMs: number): void {
    const { limits } = this.#setting.scenario
    for (const first of [...torrent.asks.values()]) {
      for (const ask of [first, first.other]) {
        if (ask === undefined || ask.waitedMs(nowMs) < limits.minRequestTimeoutMs) continue
        const peer = ask.connection
        const ahead = peer.openPieces * torrent.map.pieceLength
        const lateMs = requestTimeoutMs(paceOf(peer, limits), ahead, limits)
        if (ask.waitedMs(nowMs) > lateMs) this.#miss(ask, nowMs)
      }
    }
  }

  /** A peer misses once, however many of its pieces are late. */
  #miss(ask: Ask, nowMs: number): void {
    const peer = ask.connection
    this.#tally.timeouts += 1
    this.#actions.giveUp(ask)
    if (nowMs < peer.notBeforeMs) return
    peer.notBeforeMs = nowMs + Math.min(MISS_COOLDOWN.maxMs, MISS_COOLDOWN.baseMs * 2 ** Math.min(peer.misses, 16))
    peer.misses += 1
    peer.pipelinePieces = undefined
  }

  /** A second request for what a reader waits for too long, and at the very end for what is slow. */
  repeatLate(torrent: Torrent, nowMs: number): void {
    const { blockLength } = this.#setting.scenario.limits
    let left = Math.max(1, Math.floor((MAX_REPEAT_BLOCKS * blockLength) / torrent.map.pieceLength))
    for (const { other } of torrent.asks.values()) if (other !== undefined) left -= 1
    const awaited = torrent.windows[0]?.urgent === true ? torrent.asks.get(torrent.next) : undefined
    if (awaited !== undefined && left > 0 && awaited.waitedMs(nowMs) >= torrent.patienceMs) {
      if (this.#repeat(awaited, () => true)) left -= 1
    }
    if (torrent.asks.size < torrent.missing) return
    for (const ask of torrent.asks.values()) {
      if (left <= 0) return
      const isLate = ask.waitedMs(nowMs) >= torrent.patienceMs * END_PATIENCE_SHARE
      if (isLate && this.#repeat(ask, ({ role }) => role === 'agent')) left -= 1
    }
  }

  #repeat(ask: Ask, may: (peer: Connection) => boolean): boolean {
    if (ask.other !== undefined) return false
    const { mine } = ask.connection
    for (const peer of mine.connections) {
      if (peer === ask.connection || !may(peer) || !peer.has(ask.piece) || freePieces(peer, this.#setting) <= 0)
        continue
      this.#actions.ask(peer, ask.piece, ask)
      return true
    }
    return false
  }
}
