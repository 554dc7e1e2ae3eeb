import type { ClusterTables } from '../clusters/tables.ts'
import type { JobTables } from '../jobs/tables.ts'

/** What somebody has changed; written in the transaction of the change. */
export interface AuditTable {
  readonly id: string
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly target: string
  /** JSON; null when there is nothing more to tell. */
  readonly detail: string | null
}

/**
 * Every table of a manager. Times are milliseconds since the epoch, booleans are 0 or 1, JSON is text: the same in SQLite and
 * PostgreSQL.
 */
export interface Tables extends ClusterTables, JobTables {
  readonly audit: AuditTable
}
