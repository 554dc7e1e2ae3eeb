import { isOfUse, pickPiece } from '../../picker/index.ts'
import type { AssignmentView } from './assignment-contract.ts'
import { HTTP, type PieceJob } from './piece-job.ts'
import type { PieceJobs } from './piece-jobs.ts'

export interface PieceRunsInit {
  readonly jobs: PieceJobs
  readonly view: () => AssignmentView
  /** The piece is given up. */
  readonly onDropped: (job: PieceJob) => void
  /** Every byte of the piece is here. */
  readonly onFilled: (job: PieceJob) => void
}

const nothing: ReadonlySet<number> = new Set()

/** Runs of adjacent pieces that no peer gives, to be fetched over HTTP. */
export class PieceRuns {
  readonly #init: PieceRunsInit

  constructor(init: PieceRunsInit) {
    this.#init = init
  }

  /** Starts up to `max` pieces. */
  start(max: number): readonly PieceJob[] {
    const { jobs, view: newView, onDropped } = this.#init
    const { pick, nowMs } = newView()
    for (const job of [...jobs]) if (job.owner === undefined) onDropped(job)
    const { pieces } = pick
    // A peer that has everything and suggests nothing.
    const peer = { role: 'origin', offer: pieces.offerAll(), suggested: nothing, idle: true } as const
    const first = pickPiece(pick, peer)
    if (first === undefined || !jobs.claimRoom()) return []
    const run: PieceJob[] = []
    for (let piece = first; run.length < max && pieces.wanted(piece) && isOfUse(pick, piece); piece += 1) {
      run.push(jobs.start(piece, { owner: HTTP, whole: true, nowMs }))
      if (!jobs.room) break
    }
    return run
  }

  /** Writes bytes of a piece; one that was given up meanwhile ignores them. */
  write(job: PieceJob, bytes: Uint8Array, offset: number): void {
    if (!this.#init.jobs.isFetching(job)) return
    job.memory.write(offset, bytes)
    job.arrivedBytes += bytes.length
  }

  /** Every byte of a piece has been written. */
  fill(job: PieceJob): void {
    if (!this.#init.jobs.isFetching(job)) return
    for (const block of job.blocks) block.givenBy = HTTP
    this.#init.onFilled(job)
  }

  /** Gives a piece up, unless it has become whole. */
  abandon(job: PieceJob): void {
    if (this.#init.jobs.isFetching(job)) this.#init.onDropped(job)
  }
}
