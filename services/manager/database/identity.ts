import type { Random, Startable } from '../../../lib/base/index.ts'
import type { ManagerDatabase } from './database.ts'

/** The name by which services know whose settings and users they have: the same for all managers of one database. */
export interface ManagerIdentity extends Startable {
  /** Known after the start. */
  readonly id: string
}

const ID_BYTES = 12
const ONLY = 1

export function managerIdentity({
  database,
  random,
}: {
  readonly database: Pick<ManagerDatabase, 'keep'>
  readonly random: Random
}): ManagerIdentity {
  let known = ''
  return {
    get id() {
      return known
    },
    async start() {
      const id = `manager-${Buffer.from(random.bytes(ID_BYTES)).toString('hex')}`
      known = await database.keep(async (tx) => {
        await tx
          .insertInto('settingManager')
          .values({ one: ONLY, id })
          .onConflict((conflict) => conflict.column('one').doNothing())
          .execute()
        const row = await tx.selectFrom('settingManager').select('id').where('one', '=', ONLY).executeTakeFirstOrThrow()
        return row.id
      })
    },
    stop: () => Promise.resolve(),
  }
}
