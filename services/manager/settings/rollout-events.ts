import type { RolloutLook } from '../../../lib/api/index.ts'
import type { Clock } from '../../../lib/base/index.ts'
import type { Tx } from '../database/index.ts'

/** What happens in a roll-out. */
export interface NewEvent {
  readonly rollout: string
  readonly actor: string
  readonly act: string
  readonly step: number
  readonly reason: string
  readonly look?: RolloutLook | undefined
}

const DIGITS = 6

/** Notes what happened, after `inTurn` or `nextNumber`, in the transaction in which it does. */
export async function noteEvent(
  tx: Tx,
  { clock }: { readonly clock: Pick<Clock, 'now'> },
  { look, ...event }: NewEvent,
): Promise<void> {
  const { events } = await tx
    .selectFrom('rolloutEvents')
    .select(({ fn }) => fn.countAll<number | string>().as('events'))
    .where('rollout', '=', event.rollout)
    .executeTakeFirstOrThrow()
  // Several may happen at one time.
  const id = `${event.rollout}-${String(events).padStart(DIGITS, '0')}`
  const row = { ...event, look: look === undefined ? null : JSON.stringify(look) }
  await tx
    .insertInto('rolloutEvents')
    .values({ id, atMs: Math.floor(clock.now()), ...row })
    .execute()
}
