import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { managerDatabase } from '../../../services/manager/database/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { postgresConfig, quiet } from '../../kit/manager/databases.ts'
import { type PostgresServer, postgresPrograms, postgresServer } from '../../kit/postgres.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const entry = { actor: 'admin', action: 'user.create', target: 'ada' }

if (postgresPrograms() === undefined) {
  process.stdout.write('skipped: no postgresql is installed\n')
  // A file without a test would fail: the run counts one as skipped.
  test.skip('postgresql is not installed', () => undefined)
} else {
  let server: PostgresServer
  beforeAll(async () => {
    server = await postgresServer()
  })
  afterAll(async () => server[Symbol.asyncDispose]())

  const databaseOf = (config: ReturnType<typeof postgresConfig>) =>
    managerDatabase(quiet(), { folder: '/nowhere', database: config })

  test('a server that is killed and comes back: 503 meanwhile, nothing acknowledged is lost, no restart', async () => {
    const name = await server.newDatabase()
    const database = databaseOf(postgresConfig(server, name))
    await database.start()
    try {
      await database.change(entry, async () => undefined)
      await server.kill()
      const away = { code: 'DATABASE_UNAVAILABLE', status: 503, retryable: true }
      await expect(database.change({ ...entry, target: 'lost' }, async () => undefined)).rejects.toMatchObject(away)
      await expect(database.read.selectFrom('audit').selectAll().execute()).rejects.toMatchObject(away)
      expect(database.problem()).toBe('DATABASE_UNAVAILABLE')
      await server.start()
      await eventually(() => database.change({ ...entry, target: 'bob' }, async () => undefined))
      expect(database.problem()).toBeUndefined()
      const rows = await database.read.selectFrom('audit').select('target').orderBy('id').execute()
      expect(rows.map(({ target }) => target)).toEqual(['ada', 'bob'])
    } finally {
      await database.stop()
    }
  })

  test('a connection that the server ends within a transaction changes nothing', async () => {
    const name = await server.newDatabase()
    const database = databaseOf(postgresConfig(server, name))
    await database.start()
    try {
      const cut = database.change(entry, async (tx) => {
        await tx.selectFrom('users').selectAll().execute()
        const others = 'select pg_terminate_backend(pid) from pg_stat_activity where application_name'
        await server.sql('postgres', `${others} = 'shoal-manager' and datname = '${name}'`)
        await tx.selectFrom('users').selectAll().execute()
      })
      await expect(cut).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
      await eventually(() => database.change({ ...entry, target: 'bob' }, async () => undefined))
      const rows = await database.read.selectFrom('audit').select('target').execute()
      expect(rows).toEqual([{ target: 'bob' }])
    } finally {
      await database.stop()
    }
  })

  test('a wrong password, and a database that is not there, are told so at the start', async () => {
    const name = await server.newDatabase()
    const wrong = databaseOf({ ...postgresConfig(server, name), password: () => 'wrong' })
    await expect(wrong.start()).rejects.toMatchObject({ code: 'DATABASE_DENIED' })
    const nowhere = databaseOf(postgresConfig(server, 'nowhere'))
    await expect(nowhere.start()).rejects.toMatchObject({ code: 'DATABASE_DENIED' })
  })

  test('a password in a file is read for each connection, and a file that is not there is told', async () => {
    await using folder = await tempFolder('password')
    const passwordFile = join(folder.path, 'password')
    const { password, ...config } = postgresConfig(server, await server.newDatabase())
    const database = databaseOf({ ...config, passwordFile })
    await expect(database.start()).rejects.toMatchObject({ code: 'DATABASE_DENIED', status: 503 })
    await writeFile(passwordFile, 'wrong\n')
    await expect(database.start()).rejects.toMatchObject({ code: 'DATABASE_DENIED' })
    await writeFile(passwordFile, `${password?.() ?? ''}\n`)
    await database.start()
    await database.stop()
  })

  test('a server without TLS is refused where TLS is asked for', async () => {
    const config = { ...postgresConfig(server, await server.newDatabase()), encrypt: 'verify' as const }
    await expect(databaseOf(config).start()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  })
}
