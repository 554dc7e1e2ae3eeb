import { describe, expect } from '@jest/globals'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import {
  type DatabaseInit,
  databaseSchema,
  type ManagerDatabase,
  managerDatabase,
} from '../../../services/manager/database/index.ts'
import { type PostgresServer, postgresServer } from '../postgres.ts'
import { buildResource } from '../resource-stack.ts'
import { tempFolder } from '../temp-folder.ts'

/** A database that the test has for itself. */
export interface MadeDatabase extends AsyncDisposable {
  readonly driver: 'libsql' | 'postgres'
  readonly database: ManagerDatabase
  readonly init: DatabaseInit
  /** The same one, closed and opened again. */
  reopened(): Promise<{ readonly database: ManagerDatabase }>
  /** The same one as another manager sees it, opened. */
  other(init?: Partial<DatabaseInit>): Promise<ManagerDatabase>
}

export interface OpenOptions {
  /** It is there, and nobody has opened it. Default false. */
  readonly closed?: boolean
  /** Its last step; default: the present one. */
  readonly upTo?: string
}

export type OpenDatabase = (options?: OpenOptions) => Promise<MadeDatabase>

/** What every database of a manager needs, when nobody looks. */
export const quiet = () => ({
  ...{ clock: systemClock(), random: systemRandom(), logger: silentLogger(), metrics: silentMetrics() },
})

const made = (init: DatabaseInit, { closed = false, upTo }: OpenOptions): Promise<MadeDatabase> =>
  buildResource(async (stack) => {
    const database = managerDatabase(quiet(), { ...init, ...(upTo !== undefined && { upTo }) })
    stack.own({ [Symbol.asyncDispose]: () => database.stop() })
    if (!closed) await database.start()
    return {
      ...{ driver: init.database.driver, database, init },
      async reopened() {
        await database.stop()
        await database.start()
        return { database }
      },
      async other(more: Partial<DatabaseInit> = {}) {
        const second = managerDatabase(quiet(), { ...init, ...more })
        stack.own({ [Symbol.asyncDispose]: () => second.stop() })
        await second.start()
        return second
      },
    }
  })

const openLibsql: OpenDatabase = (options = {}) =>
  buildResource(async (stack) => {
    const { path: folder } = stack.own(await tempFolder('manager'))
    return stack.own(await made({ folder, database: databaseSchema.parse({}) }, options))
  })

/** Where the server is, as the config of a manager says it. */
export const postgresConfig = ({ host, port, user, password }: PostgresServer, name: string) =>
  databaseSchema.parse({ driver: 'postgres', host, port, user, password, name, encrypt: 'off', connections: 4 })

/** One server for all tests that a file imports; each test has a database of its own on it. */
let server: Promise<PostgresServer> | undefined

/** Ends the server of `eachManagerDatabase`, when all tests have ended. */
export async function endPostgres(): Promise<void> {
  const ending = server
  server = undefined
  await (await ending)?.[Symbol.asyncDispose]()
}

/**
 * The same tests for each database that a manager can have: for libsql where they stand, and for PostgreSQL in the project
 * `interop`, which imports the files (test/interop/manager/postgres.test.ts).
 */
export function eachManagerDatabase(tests: (open: OpenDatabase) => void): void {
  if (expect.getState().testPath?.includes('/interop/') !== true) {
    describe('libsql', () => tests(openLibsql))
    return
  }
  describe('PostgreSQL', () => {
    tests(async (options = {}) => {
      server ??= postgresServer()
      const running = await server
      const database = postgresConfig(running, await running.newDatabase())
      return made({ folder: '/nowhere', database }, options)
    })
  })
}
