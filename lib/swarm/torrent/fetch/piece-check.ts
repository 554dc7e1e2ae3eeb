import type { Clock, Wheel } from '../../../base/index.ts'
import type { PieceDigester } from '../../../metainfo/index.ts'
import type { SwarmMeters } from '../shared/swarm-meters.ts'
import type { DownloadTarget } from './download-contract.ts'
import type { Liars } from './liars.ts'
import type { PieceJob, SealedPiece } from './piece-job.ts'
import type { PieceJobs } from './piece-jobs.ts'

export interface PieceCheckComponents {
  readonly clock: Clock
  readonly wheel: Pick<Wheel, 'nowMs'>
  readonly meters: Pick<SwarmMeters, 'hashSeconds' | 'badPieces' | 'wasted'>
  readonly digester: Pick<PieceDigester, 'digest'>
}

export interface PieceCheckInit {
  readonly target: Pick<DownloadTarget, 'hashOf' | 'take'>
  readonly jobs: Pick<PieceJobs, 'whole' | 'stored' | 'drop'>
  readonly liars: Pick<Liars, 'good' | 'accuse' | 'bad'>
  /** The piece matches its hash, or does not. */
  readonly onJudged: (job: PieceJob, good: boolean) => void
  /** The piece is stored, or is to be fetched again. */
  readonly onDone: () => void
  /** The piece could not be checked. */
  readonly onUnchecked: (job: PieceJob) => void
  /** One of these calls, or the target, threw. */
  readonly onBroken: (err: unknown) => void
}

const PIECE_TIME_WEIGHT = 0.2

/** What becomes of a piece once all its bytes are here: it is hashed and handed over, or shows who lied. */
export class PieceCheck {
  readonly #components: PieceCheckComponents
  readonly #init: PieceCheckInit
  #pieceMs: number | undefined
  #stopped = false

  constructor(components: PieceCheckComponents, init: PieceCheckInit) {
    this.#components = components
    this.#init = init
  }

  /** How long a piece takes from its first request to the last byte; undefined before the first. */
  get pieceMs(): number | undefined {
    return this.#pieceMs
  }

  /** Takes a piece of which every byte has arrived; what it finds out comes back as an event. */
  begin(job: PieceJob): void {
    const { clock, digester } = this.#components
    this.#init.jobs.whole(job)
    job.memory.seal((bytes) => {
      const startMs = clock.monotonicMs()
      digester
        .digest(bytes)
        .then(
          (actual) => this.#onDigest({ job, bytes }, actual, startMs),
          () => this.#init.onUnchecked(job),
        )
        .catch(this.#init.onBroken)
    })
  }

  /** Hands nothing over any more. */
  stop(): void {
    this.#stopped = true
  }

  #onDigest(sealed: SealedPiece, actual: Uint8Array, startMs: number): void {
    const { clock, meters } = this.#components
    meters.hashSeconds.observe((clock.monotonicMs() - startMs) / 1000)
    const hash = this.#stopped ? undefined : this.#init.target.hashOf(sealed.job.piece)
    if (hash === undefined) this.#init.onUnchecked(sealed.job)
    else if (Buffer.compare(actual, hash) === 0) this.#good(sealed, hash)
    else this.#bad(sealed, actual)
  }

  #good({ job, bytes }: SealedPiece, hash: Uint8Array): void {
    const { target, jobs, liars, onDone, onBroken } = this.#init
    const tookMs = this.#components.wheel.nowMs - job.startedMs
    this.#pieceMs = this.#pieceMs === undefined ? tookMs : this.#pieceMs + (tookMs - this.#pieceMs) * PIECE_TIME_WEIGHT
    liars.good(job.piece, bytes)
    this.#init.onJudged(job, true)
    const stored = () => {
      jobs.stored(job)
      onDone()
    }
    target
      .take(job.piece, { bytes, hash, free: () => job.memory.release() })
      .then(stored, stored)
      .catch(onBroken)
  }

  #bad(sealed: SealedPiece, actual: Uint8Array): void {
    const { jobs, liars, onDone } = this.#init
    this.#components.meters.badPieces.add()
    this.#components.meters.wasted.bad.add(sealed.bytes.length)
    this.#init.onJudged(sealed.job, false)
    const accusation = liars.accuse(sealed, actual)
    jobs.drop(sealed.job)
    liars.bad(accusation)
    onDone()
  }
}
