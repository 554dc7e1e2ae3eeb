import type { ManagerDatabase } from '../database/index.ts'
import { inTurn, nextNumber } from './numbers.ts'

/**
 * Lets everything that hosts are to have follow `generation`: trackers know of a later one than the database, which an
 * older copy has replaced.
 */
export const raiseAbove = (database: Pick<ManagerDatabase, 'keep'>, generation: number): Promise<void> =>
  database.keep(async (tx) => {
    await inTurn(tx)
    await tx
      .updateTable('settingCounter')
      .set({ value: generation })
      .where('id', '=', 'settings')
      .where('value', '<', generation)
      .execute()
    const touched = { touched: await nextNumber(tx) }
    await tx.updateTable('settingSlots').set(touched).execute()
    await tx.updateTable('rollouts').set(touched).where('state', 'in', ['running', 'paused', 'rollingBack']).execute()
  })
