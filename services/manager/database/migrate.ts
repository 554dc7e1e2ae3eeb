import { type Kysely, Migrator } from 'kysely'
import { appError } from '../../../lib/base/index.ts'
import { migrations } from './migrations/index.ts'

/**
 * Brings the tables to the present form.
 * @throws DATABASE_NEWER when another version of the program has gone further
 */
export async function migrate(db: Kysely<never>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  // The library has no class for it.
  const { message } = error as Partial<Error>
  if (message?.includes('corrupted migrations') === true) throw appError('DATABASE_NEWER', { cause: error })
  throw appError('UNKNOWN', { message: 'the tables of the database could not be made', cause: error })
}
