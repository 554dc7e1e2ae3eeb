import type { Random } from '../../../base/index.ts'
import type { PickView, ReaderWindow, RepeatBudget } from '../../picker/index.ts'
import { patienceOf } from '../shared/demand.ts'
import type { AssignmentView } from './assignment-contract.ts'
import type { DownloadTarget } from './download-contract.ts'
import type { PieceJobs } from './piece-jobs.ts'
import type { Suppliers } from './suppliers.ts'
import type { Suspects } from './suspects.ts'

/** What a view of a download is made of. */
export interface ViewParts {
  readonly target: Pick<DownloadTarget, 'windows' | 'scope' | 'leftBytes'>
  readonly jobs: PieceJobs
  readonly suppliers: Suppliers
  readonly suspects: Pick<Suspects, 'has'>
  readonly random: Random
  readonly repeats: RepeatBudget
  /** How long a block usually takes; undefined before the first. */
  readonly usualMs: () => number | undefined
}

/** When agents would need longer than this for what is left, idle origins help. */
const PATIENCE_SECONDS = 2

/** The download as it is now; origins are let in again that denied something long enough ago. */
export function assignmentView(parts: ViewParts, nowMs: number): AssignmentView {
  const { target, jobs, suppliers, suspects, repeats, usualMs } = parts
  const windows = target.windows(nowMs)
  suppliers.readmit(nowMs)
  return {
    ...{ jobs, suppliers, suspects, repeats, windows, nowMs },
    pick: pickView(parts, windows, nowMs),
    patienceMs: patienceOf(usualMs()),
    leftBytes: target.leftBytes(),
  }
}

function pickView({ target, suppliers, random }: ViewParts, windows: readonly ReaderWindow[], nowMs: number): PickView {
  const { pieces, mine } = suppliers
  return {
    ...{ pieces, mine, windows, random },
    scope: target.scope(),
    served: () => suppliers.served(nowMs),
    agentsAreSlow: () => {
      const rate = suppliers.agentRate
      return rate !== undefined && target.leftBytes() > rate * PATIENCE_SECONDS
    },
  }
}
