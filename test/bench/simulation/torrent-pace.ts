import { RepeatBudget, rateMeter, UsualTime, windowBytes } from '../../../lib/swarm/picker/index.ts'
import { patienceOf } from '../../../lib/swarm/torrent/shared/demand.ts'
import type { Scenario } from './scenario.ts'

/** As in the engine's `PieceCheck`. */
const PIECE_TIME_WEIGHT = 0.2

/** What a torrent measures of itself, as the engine's `BlockRequests` and `PieceCheck` do. */
export class TorrentPace {
  readonly repeats = new RepeatBudget()
  readonly #scenario: Scenario
  readonly #usual = new UsualTime()
  readonly #arrivals = rateMeter()
  #pieceMs: number | undefined
  /** Undefined when it has to be computed anew. */
  #windowBytes: number | undefined

  constructor(scenario: Scenario) {
    this.#scenario = scenario
  }

  get patienceMs(): number {
    return patienceOf(this.#usual.medianMs)
  }

  /** Pieces in front of the reader, as the engine's `Readers` have them. */
  windowPieces(pieceLength: number): number {
    const { readBytesPerSecond: takeBytesPerSecond, limits } = this.#scenario
    const rates = { takeBytesPerSecond, arrivalBytesPerSecond: this.#arrivals.bytesPerSecond }
    this.#windowBytes ??= windowBytes({ ...rates, pieceMs: this.#pieceMs }, limits)
    return Math.ceil(this.#windowBytes / pieceLength)
  }

  /** A request is made while no other is open. */
  begin(nowMs: number): void {
    this.#arrivals.begin(nowMs)
  }

  /** A piece has come: so long after it was chosen, and after the request was sent. */
  arrived(bytes: number, nowMs: number, since: { readonly madeMs: number; readonly askedMs: number }): void {
    const tookMs = nowMs - since.madeMs
    this.#pieceMs = this.#pieceMs === undefined ? tookMs : this.#pieceMs + (tookMs - this.#pieceMs) * PIECE_TIME_WEIGHT
    this.#usual.add(nowMs - since.askedMs)
    this.#arrivals.add(bytes, nowMs)
    this.repeats.received(bytes)
    this.#windowBytes = undefined
  }
}
