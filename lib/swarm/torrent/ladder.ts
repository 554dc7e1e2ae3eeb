import type { AppError } from '../../base/index.ts'
import type { BlobRef, PieceMap } from '../../core/index.ts'
import type { SwarmLimits } from '../limits.ts'
import type { Download } from './download.ts'
import { type HttpRung, type HttpRungComponents, httpRung } from './http-rung.ts'

export interface LadderComponents extends HttpRungComponents {
  readonly limits: SwarmLimits
}

export interface LadderInit {
  readonly blob: BlobRef
  readonly map: PieceMap
  readonly download: Download
  /** True when no peer is connected and none can be expected soon, so waiting is useless. */
  hopeless(): boolean
  /** A request over HTTP failed. */
  onFailed(err: AppError): void
}

/** The sources below the peers: as long as peers give pieces, or may soon, the origins are not asked over HTTP. */
export class Ladder {
  readonly #components: LadderComponents
  readonly #init: LadderInit
  readonly #rung: HttpRung
  #givenAtMs: number
  #stopped = false

  constructor(components: LadderComponents, init: LadderInit) {
    this.#components = components
    this.#init = init
    this.#givenAtMs = components.clock.monotonicMs()
    this.#rung = httpRung(components, { ...init, onDone: () => this.climb() })
  }

  /** Call it on changes: continues over HTTP when no peer gives anything. */
  climb(): void {
    if (this.#stopped) return
    const { clock } = this.#components
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#givenAtMs >= this.#patienceMs) this.#rung.climb(nowMs)
  }

  /** HTTP is tried after peers have given nothing for this long. */
  get #patienceMs(): number {
    const { peerPatienceMs, busyPatienceMs } = this.#components.limits
    const { outlook } = this.#init.download
    if (outlook === 'promised') return Number.POSITIVE_INFINITY
    if (outlook === 'missed' || this.#init.hopeless()) return 0
    return outlook === 'busy' ? busyPatienceMs : peerPatienceMs
  }

  /** To be called about ten times a second. */
  tick(nowMs: number): void {
    if (this.#init.download.outlook === 'promised') this.#givenAtMs = nowMs
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
