import { type Kysely, sql } from 'kysely'

/** What rows of the audit are filtered by: all choices of who, on what, and what. */
const filters = [
  ['actor'],
  ['target'],
  ['action'],
  ['actor', 'target'],
  ['actor', 'action'],
  ['target', 'action'],
  ['actor', 'target', 'action'],
] as const

/**
 * An index for each filter of the audit, in an order that the table has in no other index: the planner of PostgreSQL took the one
 * of the ids instead, and read the whole table for what never meets.
 */
export async function auditFilters({ schema }: Kysely<unknown>): Promise<void> {
  for (const former of ['actor', 'target', 'action', 'actor_target', 'actor_action', 'target_action'])
    await schema.dropIndex(`audit_${former}`).execute()
  for (const columns of filters)
    await schema
      .createIndex(['audit', 'by', ...columns].join('_'))
      .on('audit')
      .columns([...columns])
      .expression(sql`(id || '')`)
      .execute()
}
