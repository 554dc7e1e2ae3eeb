import type { Clock } from '../../../lib/base/index.ts'
import type { ManagerDatabase } from '../database/index.ts'
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
    const touched = await nextNumber(tx)
    await tx.updateTable('settingSlots').set({ touched }).execute()
    await tx
      .updateTable('rollouts')
      .set({ touched })
      .where('state', 'in', ['running', 'paused', 'rollingBack'])
      .execute()
    return touched
  })
