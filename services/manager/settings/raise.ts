import type { Clock } from '../../../lib/base/index.ts'
import type { ManagerDatabase, Tx } from '../database/index.ts'
import { inTurn, nextNumber } from './numbers.ts'
import { pauseRunning } from './pause-running.ts'

export interface RaiseComponents {
  readonly database: Pick<ManagerDatabase, 'read' | 'keep'>
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Lets everything that hosts are to have follow `generation`, which a tracker has and the database has not. If the database
 * has never given that number, it is an older copy: then what it rolls out is paused, too.
 */
export const raiseAbove = ({ database, clock }: RaiseComponents, generation: number): Promise<void> =>
  database.keep(async (tx) => {
    await countFrom(tx, { clock }, generation)
    await touchAll(tx)
  })

/**
 * A number above `generation`, for a cluster for which nothing is wanted: nothing that others have changes. It is new where
 * the numbers so far are not above; then what an older copy rolls out is paused here as well.
 */
export async function numberAbove(
  { database, clock }: RaiseComponents,
  generation: number,
): Promise<{ readonly generation: number; readonly isNew: boolean }> {
  const { value } = await database.read.selectFrom('settingCounter').select('value').executeTakeFirstOrThrow()
  if (value > generation) return { generation: value, isNew: false }
  const next = await database.keep(async (tx) => {
    await countFrom(tx, { clock }, generation)
    return nextNumber(tx)
  })
  return { generation: next, isNew: true }
}

/** Lets the next number be above `generation`. First in its transaction. */
async function countFrom(tx: Tx, parts: Pick<RaiseComponents, 'clock'>, generation: number): Promise<void> {
  await inTurn(tx)
  const { numUpdatedRows } = await tx
    .updateTable('settingCounter')
    .set({ value: generation })
    .where('id', '=', 'settings')
    .where('value', '<', generation)
    .executeTakeFirst()
  if (numUpdatedRows > 0n) await pauseRunning(tx, parts, 'trackers have settings that the database does not know')
}

/** Gives each slot a number of its own, in their order: of two that are alike the later one counts. */
async function touchAll(tx: Tx): Promise<void> {
  const slots = await tx.selectFrom('settingSlots').select('slot').orderBy('touched').orderBy('slot').execute()
  for (const { slot } of slots) {
    const touched = await nextNumber(tx)
    await tx.updateTable('settingSlots').set({ touched }).where('slot', '=', slot).execute()
    await tx
      .updateTable('rollouts')
      .set({ touched })
      .where('slot', '=', slot)
      .where('state', 'in', ['running', 'paused', 'rollingBack'])
      .execute()
  }
}
