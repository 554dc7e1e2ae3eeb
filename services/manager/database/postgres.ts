import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { type Dialect, PostgresDialect } from 'kysely'
import { Pool, types } from 'pg'
import { appError, readLinked } from '../../../lib/base/index.ts'
import type { DatabaseConfig } from './config.ts'

/** How long a connection may take, and a statement; how long a transaction may stand without one. */
const CONNECT_MS = 5_000
const STATEMENT_MS = 30_000
const IDLE_IN_TRANSACTION_MS = 60_000
const IDLE_MS = 60_000

/** Our integers are times and counts, which are exact as numbers; by default they come as text. */
const typeParser: Pick<typeof types, 'getTypeParser'> = {
  getTypeParser: (oid: Parameters<typeof types.getTypeParser>[0], format?: 'text' | 'binary'): unknown =>
    oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format),
}

const isFolder = (host: string) => host.startsWith('/')

async function tlsOf({ encrypt, authorities }: DatabaseConfig) {
  if (encrypt === 'off') return false
  const own = await Promise.all(authorities.map((path) => readFile(path, 'utf8')))
  return { rejectUnauthorized: true, ca: own.length === 0 ? undefined : [...rootCertificates, ...own] }
}

/** Longest file of a password. */
const MAX_PASSWORD_BYTES = 4_096

/** What shows who the manager is. A file is read for each connection: whoever replaces it needs no restart. */
function passwordOf({ password, passwordFile }: DatabaseConfig): (() => string | Promise<string>) | undefined {
  if (passwordFile === undefined) return password
  return async () => {
    try {
      return (await readLinked(passwordFile, MAX_PASSWORD_BYTES)).trim()
    } catch (err) {
      throw appError('DATABASE_DENIED', { message: 'database.passwordFile cannot be read', cause: err })
    }
  }
}

/** PostgreSQL, by a pool of connections. `onIdleFailure` hears of one that broke while nobody used it. */
export const postgresDialect = (config: DatabaseConfig, onIdleFailure: (err: unknown) => void): Dialect =>
  new PostgresDialect({
    async pool() {
      const { host, port, name, user, connections } = config
      const password = passwordOf(config)
      const pool = new Pool({
        ...{ host, port, user, database: name, max: connections, types: typeParser },
        ...(password !== undefined && { password }),
        ssl: isFolder(host) ? false : await tlsOf(config),
        application_name: 'shoal-manager',
        connectionTimeoutMillis: CONNECT_MS,
        idleTimeoutMillis: IDLE_MS,
        statement_timeout: STATEMENT_MS,
        query_timeout: STATEMENT_MS + CONNECT_MS,
        idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
        keepAlive: true,
        // What waits for the next statement does not keep a process alive that is told to stop.
        allowExitOnIdle: true,
      })
      // Of one that is in use its statement fails as well; an error that nobody hears would end the process.
      pool.on('connect', (client) => void client.on('error', () => undefined))
      pool.on('error', onIdleFailure)
      return pool
    },
  })
