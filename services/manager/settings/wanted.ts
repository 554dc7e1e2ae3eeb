import { parseJson } from '../../../lib/base/index.ts'
import type { Reader } from '../database/index.ts'
import type { Values } from './diff.ts'
import type { WantedSlot, WantedVersion } from './document.ts'
import { parseScope } from './scope.ts'
import type { Share } from './share.ts'

/** Roll-outs in these states have hosts that are meant to have other settings than the rest. */
export const ACTIVE_STATES = ['running', 'paused', 'halted'] as const

const versionOf = (version: number, content: string): WantedVersion => ({
  version,
  values: parseJson(content) as Values,
})

/** What the hosts of all slots are to have, by the versions that are wanted and the roll-outs under way. */
export async function wantedSlots(reader: Reader): Promise<readonly WantedSlot[]> {
  const slots = await reader
    .selectFrom('settingSlots')
    .leftJoin('settingVersions', 'settingVersions.version', 'settingSlots.wanted')
    .select(['settingSlots.slot', 'settingSlots.scope', 'settingSlots.kind', 'settingSlots.touched'])
    .select(['settingVersions.version', 'settingVersions.content'])
    .orderBy('settingSlots.slot')
    .execute()
  const rollouts = await reader
    .selectFrom('rollouts')
    .innerJoin('settingVersions', 'settingVersions.version', 'rollouts.toVersion')
    .select(['rollouts.id', 'rollouts.slot', 'rollouts.share', 'settingVersions.version', 'settingVersions.content'])
    .where('rollouts.state', 'in', ACTIVE_STATES)
    .execute()
  const coming = new Map(
    rollouts.map(({ id, slot, share, version, content }) => [
      slot,
      { ...versionOf(version, content), share: parseJson(share) as Share, rollout: id },
    ]),
  )
  return slots.map(({ slot, scope, kind, touched, version, content }) => ({
    ...{ scope: parseScope(scope), kind, touched, coming: coming.get(slot) },
    wanted: version === null || content === null ? undefined : versionOf(version, content),
  }))
}
