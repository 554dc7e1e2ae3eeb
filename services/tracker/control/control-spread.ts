import type { ControlClient, ControlEntry } from '../../../lib/api/index.ts'
import type { AbortOptions } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import type { Control } from './control.ts'
import { type Spread, type SpreadComponents, type SpreadInit, spread } from './spread.ts'

export interface ControlSpreadComponents extends Omit<SpreadComponents<ControlEntry>, 'tell' | 'read'> {
  readonly control: Pick<Control, 'learn' | 'words'>
  readonly client: (tracker: Member) => ControlClient
}

/** Brings what admins have said to all trackers. */
export type ControlSpread = Spread<ControlEntry>

export const controlSpread = (
  { control, client, ...components }: ControlSpreadComponents,
  init: SpreadInit,
): ControlSpread =>
  spread(
    {
      ...components,
      tell: (tracker, entry) => client(tracker).tell([entry]),
      read: (tracker, options) => readAll(client(tracker), control, options),
    },
    init,
  )

/** Takes every word of another tracker that is later than ours. @throws what its client throws, and `learn` */
async function readAll(
  client: ControlClient,
  control: ControlSpreadComponents['control'],
  options: AbortOptions,
): Promise<void> {
  let last: string | undefined
  const failures: unknown[] = []
  do {
    const { entries, next } = await client.page({ hash: control.words.hash, last }, options)
    await control.learn(entries).catch((err: unknown) => failures.push(err))
    last = next
  } while (last !== undefined)
  if (failures.length > 0) throw failures[0]
}
