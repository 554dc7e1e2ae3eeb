import { chmod, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Dialect, SqliteAdapter, SqliteDialect } from 'kysely'
import Database from 'libsql'
import { hasCode, makeOwnFolder, ownerOnly } from '../../../lib/base/index.ts'

const FILE = 'manager.db'
/** How long a statement waits for another process, such as `shoal manager first-admin`; the whole process waits with it. */
const BUSY_MS = 50

/** SQLite changes tables in transactions, as PostgreSQL does: a step that is cut off has done nothing. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl() {
    return true
  }
}

/** Files of a former version are taken from others as well; SQLite makes those beside the first with the rights of that one. */
async function makeOwnFile(path: string): Promise<void> {
  await (await open(path, 'a', ownerOnly.file)).close()
  for (const file of [path, `${path}-wal`, `${path}-shm`])
    await chmod(file, ownerOnly.file).catch((err: unknown) => {
      if (!hasCode(err, 'ENOENT')) throw err
    })
}

/**
 * The embedded database: one file in the folder. A change is on the disk when it is answered (WAL, synchronous FULL). A connection
 * to read shows what was committed, whatever is being written.
 */
export function libsqlDialect(folder: string, access: 'write' | 'read'): Dialect {
  const dialect = new SqliteDialect({
    async database() {
      await makeOwnFolder(folder)
      const path = join(folder, FILE)
      await makeOwnFile(path)
      const database = new Database(path)
      const pragmas = ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON', `busy_timeout = ${BUSY_MS}`]
      for (const pragma of access === 'read' ? [...pragmas, 'query_only = ON'] : pragmas) database.pragma(pragma)
      return database
    },
  })
  return {
    createDriver: () => dialect.createDriver(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createAdapter: () => new TransactionalAdapter(),
  }
}
