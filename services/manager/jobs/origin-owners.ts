import type { AbortOptions } from '../../../lib/base/index.ts'
import type { ClusterTalk } from '../clusters/talk.ts'
import { firstOf } from './step.ts'

type Origin = ReturnType<ClusterTalk['origins']>[number]

/** Origins that the manager talks to, in the order in which a key is asked for: who owns it first. @throws MEMBER_AWAY */
export async function ownersOf(
  origins: readonly Origin[],
  key: string,
  options: AbortOptions,
): Promise<readonly string[]> {
  const { order } = await firstOf(origins).admin.owners({ ring: 'origins', key }, options)
  const known = new Set(origins.map(({ id }) => id))
  const inOrder = order.filter((id) => known.has(id))
  return [...inOrder, ...[...known].filter((id) => !inOrder.includes(id))]
}
