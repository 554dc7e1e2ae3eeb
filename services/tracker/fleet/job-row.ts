import type { JobState, KeptRow } from '../../../lib/api/index.ts'
import { type ErrorCode, errorTable } from '../../../lib/base/index.ts'

/** One host of a job; times are of the monotonic clock. */
export interface Row {
  /** Its place in the job. */
  readonly n: number
  kept: KeptRow
  /** Not tried before this time. */
  dueMs: number
  /** It has an order of before the restart, and must have come until then. */
  returnMs: number
  /** What it was given, or is to be given, is for this platform, whatever it says later. */
  platform?: string
}

/** Nothing more will become of it. */
export const isFinal = (state: JobState) => state !== 'waiting' && state !== 'running'
/** The code of a failure that a host tells; hosts of later versions may have others. */
export const codeOf = (told: string | undefined): ErrorCode =>
  told !== undefined && Object.hasOwn(errorTable, told) ? (told as ErrorCode) : 'UNKNOWN'
