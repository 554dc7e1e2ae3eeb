import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'

export interface DialectWatch {
  /** What a failure of the database means. */
  readonly failure: (err: unknown) => unknown
  /** Told of every statement: how it ended, with the error as `failure` has made it. */
  readonly ended: (startMs: number, err: unknown) => void
  readonly nowMs: () => number
}

export interface WatchedDialectInit {
  /** Begins a transaction that writes; default: as the dialect does. */
  readonly beginToWrite?: string
}

/**
 * The same statement, with a sign in the place of each zero character of its texts: PostgreSQL takes none, and so one in a request, or
 * in what a cluster tells, would be a fault of ours. Both databases are told the same, so that a backup of one fits the other.
 */
function writable(query: CompiledQuery): CompiledQuery {
  const hasZero = (value: unknown): value is string => typeof value === 'string' && value.includes('\0')
  if (!query.parameters.some(hasZero)) return query
  const parameters = query.parameters.map((value) => (hasZero(value) ? value.replaceAll('\0', '\ufffd') : value))
  return { ...query, parameters }
}

/** A connection whose failures have codes of ours, and whose statements are measured. */
class WatchedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection
  readonly #watch: DialectWatch

  constructor(inner: DatabaseConnection, watch: DialectWatch) {
    this.inner = inner
    this.#watch = watch
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const startMs = this.#watch.nowMs()
    try {
      const result = await this.inner.executeQuery<R>(writable(query))
      this.#watch.ended(startMs, undefined)
      return result
    } catch (err) {
      const failure = this.#watch.failure(err)
      this.#watch.ended(startMs, failure)
      throw failure
    }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.inner.streamQuery<R>(writable(query), chunkSize)
  }
}

/** What the driver is given back is what it gave. */
const innerOf = (connection: DatabaseConnection): DatabaseConnection =>
  connection instanceof WatchedConnection ? connection.inner : connection

function watchedDriver(driver: Driver, watch: DialectWatch, { beginToWrite }: WatchedDialectInit): Driver {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (err) {
      const failure = watch.failure(err)
      watch.ended(watch.nowMs(), failure)
      throw failure
    }
  }
  return {
    init: () => guarded(() => driver.init()),
    acquireConnection: () => guarded(async () => new WatchedConnection(await driver.acquireConnection(), watch)),
    beginTransaction(connection, settings: TransactionSettings) {
      const begin =
        beginToWrite === undefined || settings.accessMode === 'read only'
          ? () => driver.beginTransaction(innerOf(connection), settings)
          : () =>
              innerOf(connection)
                .executeQuery(CompiledQuery.raw(beginToWrite))
                .then(() => undefined)
      return guarded(begin)
    },
    commitTransaction: (connection) => guarded(() => driver.commitTransaction(innerOf(connection))),
    // What had made it necessary is what is told: a connection that is gone, or a full disk, has rolled back by itself.
    rollbackTransaction: (connection) => driver.rollbackTransaction(innerOf(connection)).catch(() => undefined),
    releaseConnection: (connection) => driver.releaseConnection(innerOf(connection)),
    destroy: () => driver.destroy(),
  }
}

/** The same dialect, whose failures have codes of ours, and whose statements are measured. */
export const watchedDialect = (dialect: Dialect, watch: DialectWatch, init: WatchedDialectInit = {}): Dialect => ({
  createDriver: () => watchedDriver(dialect.createDriver(), watch, init),
  createQueryCompiler: () => dialect.createQueryCompiler(),
  createAdapter: () => dialect.createAdapter(),
  createIntrospector: (db) => dialect.createIntrospector(db),
})
