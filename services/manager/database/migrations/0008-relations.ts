import type { ColumnDefinitionBuilder, Kysely } from 'kysely'
import type { RelationGenerationTable } from '../../relations/tables.ts'

const required = (column: ColumnDefinitionBuilder) => column.notNull()

/** Which cluster replicates to which. */
export async function relations(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('relations')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('fromId', 'text', required)
    .addColumn('toId', 'text', required)
    .addColumn('remote', 'text', required)
    .addColumn('rules', 'text', required)
    .addColumn('urls', 'text')
    .addColumn('windows', 'text', required)
    .addColumn('bandwidth', 'bigint')
    .addColumn('concurrency', 'integer', required)
    .addColumn('signatures', 'integer', required)
    .addColumn('deletes', 'integer', required)
    .addColumn('isPaused', 'integer', required)
    .addColumn('note', 'text', required)
    .addColumn('createdAtMs', 'bigint', required)
    .addColumn('changedAtMs', 'bigint', required)
    .addUniqueConstraint('oneRelationOfAPair', ['fromId', 'toId'])
    .addUniqueConstraint('oneRemoteOfAName', ['fromId', 'remote'])
    .execute()
  await db.schema.createIndex('relationsToCluster').on('relations').columns(['toId', 'id']).execute()
  await db.schema
    .createTable('relationGeneration')
    .addColumn('one', 'integer', (column) => column.primaryKey())
    .addColumn('value', 'bigint', required)
    .execute()
  // So that every change finds a row to hold.
  await (db as Kysely<{ relationGeneration: RelationGenerationTable }>)
    .insertInto('relationGeneration')
    .values({ one: 1, value: 0 })
    .execute()
}
