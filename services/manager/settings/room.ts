import { appError } from '../../../lib/base/index.ts'
import type { Tx } from '../database/index.ts'
import { ACTIVE_STATES } from './wanted.ts'

// Together less than a document for trackers may have: lib/api, steeringLimits.

/** Scopes with settings, each for one kind of service. */
const MAX_SLOTS = 100
/** Roll-outs under way. */
const MAX_ROLLOUTS = 4
/** Values of all settings together as JSON: those that are wanted, and those that come. */
const MAX_VALUES_BYTES = 96 * 1024

const full = (message: string) => appError('SETTINGS_FULL', { message })

/** Whether trackers would take all that there is now. @throws SETTINGS_FULL */
export async function assertRoom(tx: Tx): Promise<void> {
  const slots = await tx.selectFrom('settingSlots').select(['latest', 'wanted']).execute()
  if (slots.length > MAX_SLOTS) throw full(`at most ${MAX_SLOTS} scopes have settings`)
  const active = await tx.selectFrom('rollouts').select('id').where('state', 'in', ACTIVE_STATES).execute()
  if (active.length > MAX_ROLLOUTS) throw full(`at most ${MAX_ROLLOUTS} roll-outs are under way at once`)
  const versions = slots.flatMap(({ latest, wanted }) => (wanted === null ? [latest] : [latest, wanted]))
  const contents = await tx.selectFrom('settingVersions').select('content').where('version', 'in', versions).execute()
  const bytes = contents.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
  if (bytes > MAX_VALUES_BYTES) throw full(`all values together have at most ${MAX_VALUES_BYTES} bytes`)
}
