import { Migrator, type MigratorProps } from 'kysely'
import { appError, isAppError } from '../../../lib/base/index.ts'
import { migrations } from './migrations/index.ts'

/** The steps that a database has gone, in order; none for an empty one. */
export async function stepsOf(db: MigratorProps['db']): Promise<readonly string[]> {
  const found = await migratorOf(db).getMigrations().catch(newer)
  return found.flatMap(({ name, executedAt }) => (executedAt === undefined ? [] : [name]))
}

const migratorOf = (db: MigratorProps['db']) =>
  new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) } })

/**
 * Brings the tables to the present form, or to the form after a step. Of several managers that do so at once, one does it.
 * @throws DATABASE_NEWER when another version of the program has gone further
 */
export async function migrate(db: MigratorProps['db'], upTo?: string): Promise<void> {
  const migrator = migratorOf(db)
  const { error } = await (upTo === undefined ? migrator.migrateToLatest() : migrator.migrateTo(upTo)).catch(
    (err: unknown) => ({ error: err }),
  )
  if (error !== undefined) newer(error)
}

/** The library has no class, and no code, for it. */
function newer(err: unknown): never {
  const { message } = err as Partial<Error>
  if (message?.includes('corrupted migrations') === true) throw appError('DATABASE_NEWER', { cause: err })
  if (isAppError(err)) throw err
  throw appError('UNKNOWN', { message: 'the tables of the database could not be made', cause: err })
}
