import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, test } from '@jest/globals'
import { endPostgres } from '../../kit/manager/databases.ts'
import { postgresPrograms } from '../../kit/postgres.ts'

const contracts = join(import.meta.dirname, '..', '..', 'contract', 'manager')

if (postgresPrograms() === undefined) {
  process.stdout.write('skipped: no postgresql is installed\n')
  // A file without a test would fail: the run counts one as skipped.
  test.skip('postgresql is not installed', () => undefined)
} else {
  afterAll(endPostgres)
  // What holds for libsql holds for PostgreSQL: each file asks where it runs.
  for (const name of (await readdir(contracts)).toSorted())
    if (name.endsWith('.test.ts')) await import(`${pathToFileURL(join(contracts, name)).href}?postgres`)
}
