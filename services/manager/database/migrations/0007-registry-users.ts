import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { RegistryGenerationTable } from '../../registry/tables.ts'

const required = (column: ColumnDefinitionBuilder) => column.notNull()

/** Users and tokens of registries. */
export async function registryUsers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('registryUsers')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', required)
    .addColumn('sha256', 'text', (column) => column.notNull().unique())
    .addColumn('disabled', 'integer', required)
    .addColumn('grants', 'text', required)
    .addColumn('clusters', 'text')
    .addColumn('expiresAtMs', 'bigint')
    .addColumn('note', 'text', required)
    .addColumn('createdAtMs', 'bigint', required)
    .addColumn('rotatedAtMs', 'bigint', required)
    .execute()
  await db.schema
    .createTable('registryGeneration')
    .addColumn('one', 'integer', (column) => column.primaryKey())
    .addColumn('value', 'bigint', required)
    .execute()
  // So that every change finds a row to hold.
  await (db as Kysely<{ registryGeneration: RegistryGenerationTable }>)
    .insertInto('registryGeneration')
    .values({ one: 1, value: 0 })
    .execute()
}
