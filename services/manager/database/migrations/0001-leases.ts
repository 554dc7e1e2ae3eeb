import type { Kysely } from 'kysely'

/** Which manager has which duty. */
export async function leases(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('leases')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('holder', 'text', (column) => column.notNull())
    .addColumn('term', 'bigint', (column) => column.notNull())
    .addColumn('beat', 'bigint', (column) => column.notNull())
    .execute()
  // Pages of the audit are filtered by these, the newest first.
  for (const column of ['actor', 'action', 'target'])
    await db.schema.createIndex(`audit_${column}`).on('audit').columns([column, 'id']).execute()
}
