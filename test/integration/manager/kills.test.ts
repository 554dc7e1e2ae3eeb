import { expect, test } from '@jest/globals'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { databaseSchema, managerDatabase } from '../../../services/manager/database/index.ts'
import { compiledScript } from '../../kit/compiled-script.ts'
import { quiet } from '../../kit/manager/databases.ts'
import { startProcess } from '../../kit/start-process.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const KILLS = Number(process.env['SHOAL_KILLS'] ?? 4)
const seed = Number(process.env['SHOAL_SEED'] ?? Date.now() % 1_000_000)

test(`${KILLS} kills at random moments lose nothing that was acknowledged, and leave nothing half done`, async () => {
  process.stdout.write(`kills of a manager's database: SHOAL_SEED=${seed}\n`)
  const random = seededRandom(seed)
  await using folder = await tempFolder('kills')
  const script = await compiledScript('test/kit/manager/changing.ts')
  const acknowledged: string[] = []
  for (let run = 0; run < KILLS; run += 1) {
    await using child = await startProcess({
      ...{ command: process.execPath, args: [script, folder.path, String(run)] },
      ready: ({ stdout }) => {
        if (!stdout.includes('\n')) throw new Error('nothing was changed yet')
      },
    })
    await systemClock().sleep(random.next() * 300)
    child.kill('SIGKILL')
    await child.exited
    acknowledged.push(...child.output().stdout.split('\n').slice(0, -1))
  }
  const database = managerDatabase(quiet(), { folder: folder.path, database: databaseSchema.parse({}) })
  await database.start()
  try {
    const users = await database.read.selectFrom('users').select(['id', 'name']).execute()
    const names = users.map(({ name }) => name)
    expect(acknowledged.length).toBeGreaterThan(KILLS)
    expect(names).toEqual(expect.arrayContaining(acknowledged))
    const told = await database.read.selectFrom('audit').select('target').where('action', '=', 'user.create').execute()
    expect(told.map(({ target }) => target).toSorted()).toEqual(names.toSorted())
    const roles = await database.read.selectFrom('userRoles').select('userId').execute()
    expect(roles.map(({ userId }) => userId).toSorted()).toEqual(users.map(({ id }) => id).toSorted())
  } finally {
    await database.stop()
  }
})
