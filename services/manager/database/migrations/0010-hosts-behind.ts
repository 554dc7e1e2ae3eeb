import type { ColumnDefinitionBuilder, Kysely } from 'kysely'

const noText = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo('')
const none = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(0)

/** Which hosts run an older generation of settings than they should, and why. */
export async function hostsBehind({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable('hosts').addColumn('behind', 'integer', none).execute()
  for (const column of ['settingsState', 'settingsCode', 'settingsMessage'])
    await schema.alterTable('hosts').addColumn(column, 'text', noText).execute()
  await schema.createIndex('hosts_behind').on('hosts').columns(['behind', 'clusterId', 'peerId']).execute()
  await schema.alterTable('clusters').addColumn('behind', 'integer', none).execute()
}
