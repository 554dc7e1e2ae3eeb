import type { Dialect } from 'kysely'
import { type Clock, codeOf, isAppError } from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { DatabaseConfig } from './config.ts'
import { awayCodes, isAway, postgresFailure, sqliteFailure } from './failures.ts'
import { libsqlDialect } from './libsql.ts'
import { postgresDialect } from './postgres.ts'
import { type DialectWatch, watchedDialect } from './watched-dialect.ts'

/** How the database of a config is spoken to. */
export interface Dialects {
  readonly write: Dialect
  /** Undefined: by the same connections. */
  readonly read: Dialect | undefined
  /** Rows that one statement may look at before others have their turn; undefined: any number. */
  readonly rowsAtOnce: number | undefined
  /** Why the last statement did not work; undefined when it did, or when the statement was the fault. */
  problem(): string | undefined
}

/** A statement of the embedded database holds up the whole process; one of a server holds up nobody but its caller. */
const ROWS_AT_ONCE = { libsql: 2_000, postgres: undefined }

const buckets = [0.0005, 0.002, 0.01, 0.05, 0.2, 1, 5, 30]

export interface DialectsComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface DialectsInit {
  /** Of the embedded database. */
  readonly folder: string
  readonly database: DatabaseConfig
}

export function dialectsOf(
  { clock, logger, metrics }: DialectsComponents,
  { folder, database }: DialectsInit,
): Dialects {
  const seconds = metrics
    .histogram({ name: 'shoal_manager_database_seconds', help: 'Time of a statement of the database.', buckets })
    .with({})
  const failures = metrics.counter(
    {
      name: 'shoal_manager_database_failures_total',
      help: 'Statements of the database that failed, by the code of the error.',
    },
    ['outcome'],
  )
  for (const outcome of awayCodes) failures.with({ outcome }).add(0)
  let problem: string | undefined
  const watch = (failure: DialectWatch['failure']): DialectWatch => ({
    failure,
    nowMs: () => clock.monotonicMs(),
    ended(startMs, err) {
      seconds.observe((clock.monotonicMs() - startMs) / 1000)
      problem = isAway(err) ? codeOf(err) : undefined
      if (err !== undefined) failures.with({ outcome: isAppError(err) ? err.code : 'UNKNOWN' }).add()
    },
  })
  const common = { rowsAtOnce: ROWS_AT_ONCE[database.driver], problem: () => problem }
  if (database.driver === 'postgres') {
    const onIdleFailure = (err: unknown) => logger.warn('a connection to the database broke', { err })
    const dialect = postgresDialect(database, onIdleFailure)
    return { ...common, write: watchedDialect(dialect, watch(postgresFailure)), read: undefined }
  }
  const file = (access: 'write' | 'read') =>
    watchedDialect(libsqlDialect(folder, access), watch(sqliteFailure), { beginToWrite: 'begin immediate' })
  // What reads does not wait for what writes, nor for the turn of what waits for something else in its transaction.
  return { ...common, write: file('write'), read: file('read') }
}
