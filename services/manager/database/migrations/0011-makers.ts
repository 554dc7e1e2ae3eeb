import type { Kysely } from 'kysely'
import type { PeopleTables } from '../../people/tables.ts'
import type { AuditTable } from '../tables.ts'

type Told = Pick<AuditTable, 'atMs' | 'actor' | 'target'>
type Before = Kysely<Pick<PeopleTables, 'tokens' | 'users'> & { readonly audit: AuditTable }>

/** The last time that a token of each name was made, by `USER/TOKEN`. */
async function lastMade(db: Before): Promise<ReadonlyMap<string, Told>> {
  const all = db.selectFrom('audit').select(['atMs', 'actor', 'target']).where('action', '=', 'token.create')
  return new Map((await all.orderBy('id').execute()).map((row) => [row.target, row]))
}

/** Who has set a schedule and who has made an invitation, beside their names, which others may have later. */
async function giverColumns({ schema }: Kysely<unknown>): Promise<void> {
  for (const table of ['links', 'schedules'])
    for (const column of ['byUserId', 'byTokenId']) await schema.alterTable(table).addColumn(column, 'text').execute()
}

/**
 * Which token has made a token. Of those that are there the audit says it, as far as it goes back; a maker that is gone is none, and
 * neither is one of the same name that was made later.
 */
export async function makers(db: Kysely<unknown>): Promise<void> {
  await giverColumns(db)
  await db.schema.alterTable('tokens').addColumn('madeBy', 'text').execute()
  const before = db as Before
  const tokens = await before
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.userId')
    .select(['tokens.id as id', 'users.name as user', 'tokens.name as name', 'tokens.createdAtMs as createdAtMs'])
    .execute()
  const byName = new Map(tokens.map((token) => [`${token.user}/${token.name}`, token]))
  const told = await lastMade(before)
  for (const [target, { id, createdAtMs }] of byName) {
    const made = told.get(target)
    if (made === undefined || made.atMs < createdAtMs || !made.actor.startsWith('token:')) continue
    const maker = byName.get(made.actor.slice('token:'.length))
    if (maker === undefined || maker.id === id || maker.createdAtMs > createdAtMs) continue
    await before.updateTable('tokens').set({ madeBy: maker.id }).where('id', '=', id).execute()
  }
}
