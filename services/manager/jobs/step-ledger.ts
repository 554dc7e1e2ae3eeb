import { hasCode } from '../../../lib/base/index.ts'
import { awayCodes } from '../database/index.ts'
import type { JobLedger } from './job-ledger.ts'

/**
 * The ledger did not answer, or is somebody else's now. It is no AppError, so no step takes it for an answer of whom it has asked: the
 * part stays as it was written last, and whoever does the job goes on from there.
 */
export class LedgerFailure extends Error {
  constructor(cause: unknown) {
    super('the ledger of the jobs does not answer', { cause })
  }
}

/** The ledger did not answer: says nothing of what was to be written. */
export const isOfLedger = (err: unknown): boolean =>
  hasCode(err, 'DATABASE_BUSY', 'LEASE_LOST', 'SHUTTING_DOWN', ...awayCodes)

async function told<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (err) {
    throw isOfLedger(err) ? new LedgerFailure(err) : err
  }
}

/** The ledger for the steps of a job. @throws LedgerFailure, which says nothing of the part that is worked at */
export const stepLedger = (ledger: JobLedger): JobLedger => ({
  open: (count) => told(() => ledger.open(count)),
  look: (id, options) => told(() => ledger.look(id, options)),
  note: (part, note) => told(() => ledger.note(part, note)),
  endPart: (part, end) => told(() => ledger.endPart(part, end)),
  rowsOf: (part) => told(() => ledger.rowsOf(part)),
  saveRows: (jobId, rows, gone) => told(() => ledger.saveRows(jobId, rows, gone)),
  setJob: (id, to) => told(() => ledger.setJob(id, to)),
})
