import type { AbortOptions } from '../../../lib/base/index.ts'
import type { FoundRecord, WantedRecord } from './rules/plan.ts'

/**
 * The place where A records are kept. All calls fail with ZONE_UNAVAILABLE (no answer, or a failure over there),
 * ZONE_THROTTLED, ZONE_DENIED (the credentials are not taken), ZONE_REFUSED (this will not do, however often it is tried),
 * ABORTED. Nothing is tried again here. A call that fails may have been done in part.
 */
export interface Zone {
  /** All A records with our mark, whatever their names, and all others of these names. */
  read(names: readonly string[], options?: AbortOptions): Promise<readonly FoundRecord[]>
  /**
   * Makes records with our mark. One of ours that is there already gets the TTL; one of somebody else with the same name
   * and address stays as it is. At least one record, and at most `MOST_AT_ONCE`.
   */
  put(records: readonly WantedRecord[], options?: AbortOptions): Promise<void>
  /** Removes records of ours, as `read` has found them; what is gone already counts as removed. At most `MOST_AT_ONCE`. */
  remove(records: readonly FoundRecord[], options?: AbortOptions): Promise<void>
}

/** Records of one write: what PrivateZone takes in one batch. */
export const MOST_AT_ONCE = 500
