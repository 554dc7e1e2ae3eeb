import type { HeldSteering, SteeringExchangeClient } from '../../../lib/api/index.ts'
import { hasCode } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import { type Spread, type SpreadComponents, type SpreadInit, spread } from '../control/spread.ts'
import type { Steering } from './steering.ts'

export interface SteeringSpreadComponents extends Omit<SpreadComponents<HeldSteering>, 'tell' | 'read'> {
  readonly steering: Pick<Steering, 'held' | 'learn'>
  readonly client: (tracker: Member) => SteeringExchangeClient
}

/** Brings the settings that a manager holds to all trackers. */
export type SteeringSpread = Spread<HeldSteering>

export const steeringSpread = (
  { steering, client, ...components }: SteeringSpreadComponents,
  init: SpreadInit,
): SteeringSpread =>
  spread(
    {
      ...components,
      tell: (tracker, held) => client(tracker).tell(held),
      async read(tracker, options) {
        const theirs = await client(tracker).held(steering.held.version, options).catch(unlessOlder)
        if (theirs !== undefined) await steering.learn(theirs)
      },
    },
    init,
  )

/** A tracker of an earlier version holds nothing. */
function unlessOlder(err: unknown): undefined {
  if (!hasCode(err, 'NOT_FOUND', 'METHOD_NOT_ALLOWED')) throw err
}
