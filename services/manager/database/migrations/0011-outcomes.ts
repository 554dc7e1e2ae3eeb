import type { Kysely } from 'kysely'

/** What became of what another service was asked to do. */
export async function outcomes({ schema }: Kysely<unknown>): Promise<void> {
  for (const column of ['outcome', 'code']) await schema.alterTable('audit').addColumn(column, 'text').execute()
}
