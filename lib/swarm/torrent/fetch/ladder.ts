import type { Alarm, AppError, Wheel } from '../../../base/index.ts'
import type { PeerInfo, PieceMap, PullClass } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { Prospect } from '../meet/dialer.ts'
import type { AskedNames } from '../shared/asked-names.ts'
import type { Download } from './download.ts'
import { type HttpRung, type HttpRungComponents, httpRung } from './http-rung.ts'

export interface LadderComponents extends HttpRungComponents {
  readonly wheel: Wheel
  readonly limits: SwarmLimits
}

/** So often, while something is wanted, it is noted whether a peer owes something. */
const LOOK_MS = 100

export interface LadderInit {
  readonly names: AskedNames
  readonly map: PieceMap
  readonly download: Download
  prospect(): Prospect
  /** At which class the pieces are asked for. */
  readonly pullClass: () => PullClass
  /** A request over HTTP failed. */
  onFailed(err: AppError): void
  /** It was looked whether HTTP is due. */
  onLooked(): void
  /** Who has what the origins do not give over HTTP. */
  onNamed(peers: readonly PeerInfo[]): void
}

/** The sources below the peers: as long as peers give pieces, or may soon, the origins are not asked over HTTP. */
export class Ladder {
  readonly #components: LadderComponents
  readonly #init: LadderInit
  readonly #rung: HttpRung
  readonly #look: Alarm
  /** When a peer owed something last. */
  #givenAtMs: number
  /** When somebody was there last who could not be had yet. */
  #triedAtMs = Number.NEGATIVE_INFINITY
  #stopped = false

  constructor(components: LadderComponents, init: LadderInit) {
    this.#components = components
    this.#init = init
    this.#givenAtMs = components.wheel.nowMs
    this.#look = components.wheel.alarm((nowMs) => this.#onLook(nowMs))
    this.#rung = httpRung(components, { ...init, runs: init.download.runs, onDone: () => this.climb() })
  }

  /** Call it on changes: continues over HTTP when no peer gives anything. */
  climb(): void {
    if (this.#stopped) return
    const { wheel, clock } = this.#components
    const { nowMs } = wheel
    if (this.#init.download.wanting) this.#look.by(nowMs + LOOK_MS)
    if (this.#isPatienceOver(nowMs)) this.#rung.climb(clock.monotonicMs())
    this.#init.onLooked()
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

  #onLook(nowMs: number): void {
    if (this.#init.download.outlook === 'promised') this.#givenAtMs = nowMs
    this.climb()
  }

  /** Why no origin is asked over HTTP at the moment, though it was tried. */
  get pause(): 'refused' | 'failed' | undefined {
    return this.#rung.pause(this.#components.clock.monotonicMs())
  }

  /** The bytes of a range were wrong. */
  distrust(): void {
    this.#rung.distrust()
  }

  stop(): void {
    this.#stopped = true
    this.#look.cancel()
  }
}
