import { requestTimeoutMs } from '../../../lib/swarm/picker/index.ts'
import type { Ask, Connection, Torrent } from './model.ts'
import { freePieces, paceOf } from './pace.ts'
import type { Setting } from './setting.ts'
import type { Tally } from './tally.ts'

/** As in the engine's `BlockRequests` and its rule of repeats. */
const MISS_COOLDOWN = { baseMs: 250, maxMs: 5_000 }
const END_PATIENCE_SHARE = 0.5
const ORIGIN_PATIENCE = 2

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
    const { patienceMs, reader, asks } = torrent
    const awaited = reader.urgent ? asks.get(reader.next) : undefined
    if (awaited !== undefined && awaited.waitedMs(nowMs) >= patienceMs) {
      const isVeryLate = awaited.waitedMs(nowMs) >= patienceMs * ORIGIN_PATIENCE
      this.#repeat(awaited, ({ role }) => role === 'agent' || isVeryLate || !this.#agentHas(awaited))
    }
    if (asks.size < torrent.missing) return
    for (const ask of asks.values()) {
      if (ask.waitedMs(nowMs) >= patienceMs * END_PATIENCE_SHARE) this.#repeat(ask, ({ role }) => role === 'agent')
    }
  }

  #agentHas({ connection, piece }: Ask): boolean {
    const { connections } = connection.mine
    return connections.some(
      (peer) => peer !== connection && peer.role === 'agent' && peer.isReliable && peer.has(piece),
    )
  }

  #repeat(ask: Ask, may: (peer: Connection) => boolean): void {
    const { mine } = ask.connection
    if (ask.other !== undefined || !mine.pace.repeats.allows(repeatedBytes(mine))) return
    for (const peer of mine.connections) {
      if (peer === ask.connection || !peer.has(ask.piece) || freePieces(peer, this.#setting) <= 0 || !may(peer))
        continue
      this.#actions.ask(peer, ask.piece, ask)
      return
    }
  }
}

/** Bytes that two peers are asked for at the moment. */
function repeatedBytes({ asks }: Torrent): number {
  let sum = 0
  for (const { other, tokens } of asks.values()) if (other !== undefined) sum += tokens
  return sum
}
