import { join } from 'node:path'
import { type Dialect, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { makeOwnFolder } from '../../../lib/base/index.ts'

const FILE = 'manager.db'
/** How long a statement waits for another process, such as a backup. */
const BUSY_MS = 5_000

/** The embedded database: one file in the folder. A change is on the disk when it is answered (WAL, synchronous FULL). */
export const libsqlDialect = (folder: string): Dialect =>
  new SqliteDialect({
    async database() {
      await makeOwnFolder(folder)
      const database = new Database(join(folder, FILE))
      for (const pragma of [
        'journal_mode = WAL',
        'synchronous = FULL',
        'foreign_keys = ON',
        `busy_timeout = ${BUSY_MS}`,
      ])
        database.pragma(pragma)
      return database
    },
  })
