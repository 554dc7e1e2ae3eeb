import type { AppError } from '../../../base/index.ts'
import type { PeerInfo, PieceMap } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { Prospect } from '../meet/dialer.ts'
import type { AskedNames } from '../shared/asked-names.ts'
import type { Download } from './download.ts'
import { type HttpRung, type HttpRungComponents, httpRung } from './http-rung.ts'

export interface LadderComponents extends HttpRungComponents {
  readonly limits: SwarmLimits
}

export interface LadderInit {
  readonly names: AskedNames
  readonly map: PieceMap
  readonly download: Download
  prospect(): Prospect
  /** A request over HTTP failed. */
  onFailed(err: AppError): void
  /** Who has what the origins do not give over HTTP. */
  onNamed(peers: readonly PeerInfo[]): void
}

/** The sources below the peers: as long as peers give pieces, or may soon, the origins are not asked over HTTP. */
export class Ladder {
  readonly #components: LadderComponents
  readonly #init: LadderInit
  readonly #rung: HttpRung
  /** When a peer owed something last. */
  #givenAtMs: number
  /** When somebody was there last who could not be had yet. */
  #triedAtMs = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(components: LadderComponents, init: LadderInit) {
    this.#components = components
    this.#init = init
    this.#givenAtMs = components.clock.monotonicMs()
    this.#rung = httpRung(components, { ...init, runs: init.download.runs, onDone: () => this.climb() })
  }

  /** Call it on changes: continues over HTTP when no peer gives anything. */
  climb(): void {
    if (this.#stopped) return
    const nowMs = this.#components.clock.monotonicMs()
    if (this.#isPatienceOver(nowMs)) this.#rung.climb(nowMs)
  }

  /** Whether peers have given nothing for so long that HTTP is tried. */
  #isPatienceOver(nowMs: number): boolean {
    const { peerPatienceMs, busyPatienceMs } = this.#components.limits
    const { outlook } = this.#init.download
    if (outlook === 'promised') return false
    const prospect = this.#init.prospect()
    const waitedMs = nowMs - this.#givenAtMs
    if (prospect === 'waiting') {
      // Origins are not asked over HTTP because the peers of this blob had no turn to be dialled, or are full.
      this.#triedAtMs = nowMs
      return waitedMs >= busyPatienceMs
    }
    if (outlook === 'missed' || prospect === 'none') return true
    if (outlook === 'busy') return waitedMs >= busyPatienceMs
    return Math.min(waitedMs, nowMs - this.#triedAtMs) >= peerPatienceMs
  }

  /** To be called about ten times a second; `lateMs` is what the node itself came too late, and nobody's fault. */
  tick(nowMs: number, lateMs = 0): void {
    this.#givenAtMs = this.#init.download.outlook === 'promised' ? nowMs : Math.min(nowMs, this.#givenAtMs + lateMs)
    this.#triedAtMs = Math.min(nowMs, this.#triedAtMs + lateMs)
    this.climb()
  }

  /** The bytes of a range were wrong. */
  distrust(): void {
    this.#rung.distrust()
  }

  stop(): void {
    this.#stopped = true
  }
}
