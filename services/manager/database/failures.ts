import { type AppError, appError, type ErrorCode, hasCode, isAppError } from '../../../lib/base/index.ts'

/** Codes of SQLite, by how they begin. */
const sqliteCodes: readonly (readonly [begin: string, code: ErrorCode])[] = [
  ['SQLITE_CONSTRAINT_UNIQUE', 'NAME_TAKEN'],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'NAME_TAKEN'],
  ['SQLITE_BUSY', 'DATABASE_BUSY'],
  ['SQLITE_LOCKED', 'DATABASE_BUSY'],
  ['SQLITE_FULL', 'DATABASE_FULL'],
  ['SQLITE_CORRUPT', 'DATABASE_DAMAGED'],
  ['SQLITE_NOTADB', 'DATABASE_DAMAGED'],
  ['SQLITE_IOERR', 'DATABASE_UNAVAILABLE'],
  ['SQLITE_READONLY', 'DATABASE_UNAVAILABLE'],
  ['SQLITE_CANTOPEN', 'DATABASE_UNAVAILABLE'],
  ['SQLITE_NOMEM', 'DATABASE_UNAVAILABLE'],
]

/** Codes of PostgreSQL, five characters, by how they begin; the longer ones come first. */
const postgresCodes: readonly (readonly [begin: string, code: ErrorCode])[] = [
  ['23505', 'NAME_TAKEN'],
  ['40001', 'DATABASE_BUSY'],
  ['40P01', 'DATABASE_BUSY'],
  ['55P03', 'DATABASE_BUSY'],
  ['53100', 'DATABASE_FULL'],
  ['XX001', 'DATABASE_DAMAGED'],
  ['XX002', 'DATABASE_DAMAGED'],
  ['28', 'DATABASE_DENIED'],
  ['42501', 'DATABASE_DENIED'],
  ['3D', 'DATABASE_DENIED'],
  ['08', 'DATABASE_UNAVAILABLE'],
  ['53', 'DATABASE_UNAVAILABLE'],
  ['57', 'DATABASE_UNAVAILABLE'],
  ['58', 'DATABASE_UNAVAILABLE'],
  ['25006', 'DATABASE_UNAVAILABLE'],
  ['25P03', 'DATABASE_UNAVAILABLE'],
]

const found = (table: typeof sqliteCodes, code: string) => table.find(([begin]) => code.startsWith(begin))?.[1]

const textOf = (err: unknown, key: 'code' | 'message'): string => {
  const value: unknown = typeof err === 'object' && err !== null && key in err ? Reflect.get(err, key) : undefined
  return typeof value === 'string' ? value : ''
}

/** Both databases hide the reason of these behind a code that says nothing. */
const isLackOfRoom = (message: string) => /no space left|disk is full|database or disk is full/i.test(message)

/** What a failure of SQLite means. A fault of our own SQL stays as it is. */
export function sqliteFailure(err: unknown): unknown {
  if (isAppError(err)) return err
  if (isLackOfRoom(textOf(err, 'message'))) return appError('DATABASE_FULL', { cause: err })
  const code = found(sqliteCodes, textOf(err, 'code'))
  return code === undefined ? err : named(code, err)
}

const isSqlState = (code: string) => /^[0-9A-Z]{5}$/.test(code)

/** What a failure of PostgreSQL means; one without a code of SQL is a connection that could not be made, or broke. */
export function postgresFailure(err: unknown): unknown {
  if (isAppError(err)) return err
  const code = textOf(err, 'code')
  if (!isSqlState(code)) return named('DATABASE_UNAVAILABLE', err)
  if (isLackOfRoom(textOf(err, 'message'))) return appError('DATABASE_FULL', { cause: err })
  const known = found(postgresCodes, code)
  return known === undefined ? err : named(known, err)
}

const named = (code: ErrorCode, cause: unknown): AppError => appError(code, { cause })

/** What a database is told as that does nothing now. */
export const awayCodes = ['DATABASE_UNAVAILABLE', 'DATABASE_FULL', 'DATABASE_DAMAGED', 'DATABASE_DENIED'] as const

/** Whether the database did not do it, and may later. */
export const isAway = (err: unknown): boolean => hasCode(err, ...awayCodes)
