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

const isOfLedger = (err: unknown): boolean => hasCode(err, 'DATABASE_BUSY', 'LEASE_LOST', 'SHUTTING_DOWN', ...awayCodes)

const told =
  <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
  async (...args: Args): Promise<T> => {
    try {
      return await call(...args)
    } catch (err) {
      throw isOfLedger(err) ? new LedgerFailure(err) : err
    }
  }

/** The ledger for the steps of a job. @throws LedgerFailure, which says nothing of the part that is worked at */
export const stepLedger = ({ open, look, note, endPart, rowsOf, saveRows, setJob }: JobLedger): JobLedger => ({
  ...{ open: told(open), look: told(look), note: told(note), endPart: told(endPart) },
  ...{ rowsOf: told(rowsOf), saveRows: told(saveRows), setJob: told(setJob) },
})
