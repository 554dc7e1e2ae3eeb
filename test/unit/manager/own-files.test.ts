import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { databaseSchema, managerDatabase } from '../../../services/manager/database/index.ts'
import { quiet } from '../../kit/manager/databases.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const entry = { actor: 'user:ada', action: 'user.create', target: 'grace' }

const modes = async (folder: string) =>
  Promise.all(
    (await readdir(folder)).toSorted().map(async (name) => [name, (await stat(join(folder, name))).mode & 0o777]),
  )

test('the files of the embedded database are for its user alone, also those of a former version', async () => {
  await using folder = await tempFolder('own-files')
  const database = managerDatabase(quiet(), { folder: folder.path, database: databaseSchema.parse({}) })
  const own = ['manager.db', 'manager.db-shm', 'manager.db-wal'].map((name) => [name, 0o600])
  for (let start = 0; start < 2; start += 1) {
    await database.start()
    await database.change(entry, async () => undefined)
    expect(await modes(folder.path)).toEqual(own)
    await database.stop()
    await chmod(join(folder.path, 'manager.db'), 0o644)
  }
})
