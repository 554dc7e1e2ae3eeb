import type { PickView, ReaderWindow, RepeatBudget } from '../../picker/index.ts'
import type { BlockState, PieceJob } from './piece-job.ts'
import type { PieceJobs } from './piece-jobs.ts'
import type { Suppliers } from './suppliers.ts'
import type { Suspects } from './suspects.ts'

/** One request to be made. */
export interface Assigned {
  readonly job: PieceJob
  readonly block: BlockState
  /** Who was asked for the block before is told to stop. */
  readonly instead?: true
  /** Another peer may still give the block; why it is asked for again. */
  readonly repeat?: 'reader' | 'end'
}

export interface AssignmentView {
  readonly jobs: PieceJobs
  readonly suppliers: Suppliers
  readonly suspects: Pick<Suspects, 'has'>
  /** The torrent as the picker sees it. */
  readonly pick: PickView
  readonly windows: readonly ReaderWindow[]
  readonly nowMs: number
  /** A block that a reader waits for is requested from a second peer after this time. */
  readonly patienceMs: number
  readonly repeats: RepeatBudget
  /** Bytes of the blob that are not here. */
  readonly leftBytes: number
}
