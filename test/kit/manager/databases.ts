import { describe } from '@jest/globals'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { type ManagerDatabase, managerDatabase } from '../../../services/manager/database/index.ts'
import { buildResource } from '../resource-stack.ts'
import { tempFolder } from '../temp-folder.ts'

/** A database that the test has for itself. */
export interface MadeDatabase extends AsyncDisposable {
  readonly database: ManagerDatabase
  /** The same one, closed and opened again. */
  reopened(): Promise<{ readonly database: ManagerDatabase }>
}

const openLibsql = (): Promise<MadeDatabase> =>
  buildResource(async (stack) => {
    const { path: folder } = stack.own(await tempFolder('manager'))
    const database = managerDatabase({ clock: systemClock(), random: systemRandom() }, { folder })
    await database.start()
    stack.own({ [Symbol.asyncDispose]: () => database.stop() })
    return {
      database,
      async reopened() {
        await database.stop()
        await database.start()
        return { database }
      },
    }
  })

/** The same tests for each database that a manager can have. */
export function eachManagerDatabase(tests: (open: () => Promise<MadeDatabase>) => void): void {
  describe('libsql', () => tests(openLibsql))
}
