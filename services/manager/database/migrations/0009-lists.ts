import type { Kysely } from 'kysely'

/** Rows of the audit that are filtered by all that they can be filtered by: the only filters that had no index of their own. */
export async function auditOfAll({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createIndex('audit_actor_target_action')
    .on('audit')
    .columns(['actor', 'target', 'action', 'id'])
    .execute()
}
