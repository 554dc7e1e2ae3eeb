import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { appError, openNewFile, syncFolder } from '../../lib/base/index.ts'
import type { Runtime } from '../../lib/service/index.ts'
import type { ManagerConfig } from './config.ts'
import { backUp, managerDatabase, restore } from './database/index.ts'
import { linkList } from './people/index.ts'
import { pauseRestored } from './settings/pause-running.ts'

/** What is done with a manager's database beside the manager, on the machine that has its config. */
export interface ManagerTools {
  /** Into a new file that its owner alone may read, also while managers run; tells the number of rows. */
  backUp(path: string): Promise<number>
  /** @throws BACKUP_INVALID, DATABASE_NOT_EMPTY, DATABASE_NEWER */
  restore(path: string): Promise<number>
  /** A link for the first admin. @throws LINK_UNKNOWN when there is an admin */
  firstAdmin(): Promise<string>
}

async function backUpTo(runtime: Runtime, config: ManagerConfig, path: string): Promise<number> {
  // What is there already is somebody's backup.
  const place = await open(path, 'wx', 0o600)
  await place.close()
  const draft = `${path}.tmp`
  try {
    const file = await openNewFile(draft)
    let rows = 0
    try {
      rows = await backUp(runtime, config, (line) => file.appendFile(line))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
    await syncFolder(dirname(path))
    return rows
  } catch (err) {
    for (const left of [draft, path]) await rm(left, { force: true })
    throw err
  }
}

async function restoreFrom(runtime: Runtime, config: ManagerConfig, path: string): Promise<number> {
  const input = createReadStream(path, 'utf8')
  const failed = new Promise<never>((_, reject) => input.once('error', reject))
  try {
    const lines = createInterface({ input, crlfDelay: Infinity })
    return await Promise.race([failed, restore(runtime, config, lines, pauseRestored(runtime))])
  } finally {
    input.destroy()
  }
}

export function managerTools(runtime: Runtime, config: ManagerConfig): ManagerTools {
  return {
    backUp: (path) => backUpTo(runtime, config, path),
    restore: (path) => restoreFrom(runtime, config, path),
    async firstAdmin() {
      const database = managerDatabase(runtime, config)
      await database.start()
      try {
        const path = await linkList({ ...runtime, database }).forFirstAdmin()
        if (path === undefined)
          throw appError('LINK_UNKNOWN', { message: 'there is an admin already: let him invite you' })
        const { bind } = config.http
        return (config.publicUrl ?? `http://${bind.host}:${bind.port}`) + path
      } finally {
        await database.stop()
      }
    },
  }
}
