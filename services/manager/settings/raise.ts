import type { Clock } from '../../../lib/base/index.ts'
import type { ManagerDatabase, Tx } from '../database/index.ts'
import { inTurn, nextNumber } from './numbers.ts'
import { pauseRunning } from './pause-running.ts'

export interface RaiseComponents {
  readonly database: Pick<ManagerDatabase, 'keep'>
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Lets everything that hosts are to have follow `generation`, which a tracker has and the database has not. If the database
 * has never given that number, it is an older copy: then what it rolls out is paused, too. Returns the new generation.
 */
export const raiseAbove = ({ database, clock }: RaiseComponents, generation: number): Promise<number> =>
  database.keep(async (tx) => {
    await inTurn(tx)
    const { numUpdatedRows } = await tx
      .updateTable('settingCounter')
      .set({ value: generation })
      .where('id', '=', 'settings')
      .where('value', '<', generation)
      .executeTakeFirst()
    if (numUpdatedRows > 0n) await pauseRunning(tx, { clock }, 'trackers have settings that the database does not know')
    return touchAll(tx)
  })

/** Gives each slot a number of its own, in their order: of two that are alike the later one counts. Returns the last. */
async function touchAll(tx: Tx): Promise<number> {
  const slots = await tx.selectFrom('settingSlots').select('slot').orderBy('touched').orderBy('slot').execute()
  let touched = await nextNumber(tx)
  for (const [at, { slot }] of slots.entries()) {
    if (at > 0) touched = await nextNumber(tx)
    await tx.updateTable('settingSlots').set({ touched }).where('slot', '=', slot).execute()
    await tx
      .updateTable('rollouts')
      .set({ touched })
      .where('slot', '=', slot)
      .where('state', 'in', ['running', 'paused', 'rollingBack'])
      .execute()
  }
  return touched
}
