import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import Database from 'libsql'
import { postgresFailure, sqliteFailure } from '../../../services/manager/database/failures.ts'
import { databaseSchema, managerDatabase } from '../../../services/manager/database/index.ts'
import { quiet } from '../../kit/manager/databases.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const codeOf = (work: () => unknown): unknown => {
  try {
    work()
  } catch (err) {
    return (sqliteFailure(err) as { readonly code?: unknown }).code
  }
  return 'none'
}

describe('what a failure of SQLite means', () => {
  test('a disk that is full, and what was there before can be read', async () => {
    await using folder = await tempFolder('full')
    const db = new Database(join(folder.path, 'x.db'))
    db.exec('create table t (a text)')
    db.prepare('insert into t values (?)').run('kept')
    db.pragma('max_page_count = 20')
    expect(codeOf(() => db.prepare('insert into t values (?)').run('x'.repeat(200_000)))).toBe('DATABASE_FULL')
    expect(db.prepare('select count(*) as n from t').get()).toMatchObject({ n: 1 })
    db.pragma('max_page_count = 20000')
    expect(codeOf(() => db.prepare('insert into t values (?)').run('x'.repeat(200_000)))).toBe('none')
    db.close()
  })

  test('what must be unique, what is locked, and what is a fault of ours', async () => {
    await using folder = await tempFolder('locked')
    const path = join(folder.path, 'x.db')
    const [one, other] = [new Database(path), new Database(path)]
    one.exec('create table t (a text primary key, b text unique)')
    one.prepare('insert into t values (?, ?)').run('1', '2')
    expect(codeOf(() => one.prepare('insert into t values (?, ?)').run('1', '3'))).toBe('NAME_TAKEN')
    expect(codeOf(() => one.prepare('insert into t values (?, ?)').run('3', '2'))).toBe('NAME_TAKEN')
    one.exec('begin immediate')
    expect(codeOf(() => other.exec('begin immediate'))).toBe('DATABASE_BUSY')
    one.exec('rollback')
    expect(codeOf(() => one.exec('selekt'))).not.toMatch(/^DATABASE_/)
    one.close()
    other.close()
  })

  test('a file that is no database is told so at the start', async () => {
    await using folder = await tempFolder('damaged')
    await writeFile(join(folder.path, 'manager.db'), 'no database'.repeat(1000))
    const database = managerDatabase(quiet(), { folder: folder.path, database: databaseSchema.parse({}) })
    await expect(database.start()).rejects.toMatchObject({ code: 'DATABASE_DAMAGED' })
  })
})

test.each([
  ['23505', 'NAME_TAKEN'],
  ['40001', 'DATABASE_BUSY'],
  ['40P01', 'DATABASE_BUSY'],
  ['53100', 'DATABASE_FULL'],
  ['53300', 'DATABASE_UNAVAILABLE'],
  ['57P01', 'DATABASE_UNAVAILABLE'],
  ['28P01', 'DATABASE_DENIED'],
  ['3D000', 'DATABASE_DENIED'],
  ['ECONNREFUSED', 'DATABASE_UNAVAILABLE'],
  [undefined, 'DATABASE_UNAVAILABLE'],
  ['42601', '42601'],
])('the code %s of PostgreSQL means %s', (code, wanted) => {
  const failure = postgresFailure(Object.assign(new Error('x'), code === undefined ? {} : { code }))
  expect(failure).toMatchObject({ code: wanted })
})
