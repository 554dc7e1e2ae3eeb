import type { RolloutLook } from '../../../lib/api/index.ts'
import type { Clock, Random } from '../../../lib/base/index.ts'
import { newId, type Tx } from '../database/index.ts'

/** What happens in a roll-out. */
export interface NewEvent {
  readonly rollout: string
  readonly actor: string
  readonly act: string
  readonly step: number
  readonly reason: string
  readonly look?: RolloutLook | undefined
}

/** Notes what happened, in the transaction in which it does. */
export async function noteEvent(
  tx: Tx,
  parts: { readonly clock: Pick<Clock, 'now'>; readonly random: Random },
  { look, ...event }: NewEvent,
): Promise<void> {
  const row = { ...event, look: look === undefined ? null : JSON.stringify(look) }
  await tx
    .insertInto('rolloutEvents')
    .values({ id: newId(parts), atMs: Math.floor(parts.clock.now()), ...row })
    .execute()
}
