import type { Clock } from '../../../lib/base/index.ts'
import type { Tx } from '../database/index.ts'
import { noteEvent } from './rollout-events.ts'

/**
 * Pauses what is rolled out in an older copy of the database, after `inTurn` or in a database that nobody uses yet: people
 * may have taken it back since. What is being taken back goes on: it brings nothing new to any host.
 */
export async function pauseRunning(
  tx: Tx,
  parts: { readonly clock: Pick<Clock, 'now'> },
  reason: string,
): Promise<void> {
  const running = await tx.selectFrom('rollouts').select(['id', 'step']).where('state', '=', 'running').execute()
  for (const { id, step } of running) {
    await tx.updateTable('rollouts').set({ state: 'paused' }).where('id', '=', id).execute()
    await noteEvent(tx, parts, { rollout: id, actor: 'manager', act: 'pause', step, reason })
  }
}

/** What is to be done with the settings of a backup in the transaction that restores it. Its tables may be of an older form. */
export const pauseRestored =
  (parts: { readonly clock: Pick<Clock, 'now'> }) =>
  async (tx: Tx): Promise<void> => {
    const tables = await tx.introspection.getTables()
    if (tables.some(({ name }) => name === 'rollouts')) await pauseRunning(tx, parts, 'a backup was restored')
  }
