import { appError } from '../../base/index.ts'
import type { Member } from '../cluster.ts'
import { idTrouble } from '../ring.ts'
import { MAX_SOURCED } from './member-source.ts'

/**
 * Members that can be a view; one that is named twice in the same way counts once.
 * @throws MEMBERS_NONE, MEMBERS_UNAVAILABLE for too many, malformed ids, and two members with one id
 */
export function checkedMembers(members: readonly Member[], what: string): readonly Member[] {
  const byId = new Map<string, Member>()
  for (const member of members) {
    const same = byId.get(member.id)
    const trouble = same !== undefined && same.url !== member.url ? twoUrls(same, member) : idTrouble(member.id)
    if (trouble !== undefined) throw appError('MEMBERS_UNAVAILABLE', { message: `${what}: ${trouble}` })
    byId.set(member.id, same ?? member)
  }
  if (byId.size === 0) throw appError('MEMBERS_NONE', { message: `${what} names no members` })
  if (byId.size <= MAX_SOURCED) return [...byId.values()]
  throw appError('MEMBERS_UNAVAILABLE', {
    message: `${what} names ${byId.size} members; at most ${MAX_SOURCED} can be`,
  })
}

const twoUrls = (one: Member, other: Member) => `the member id ${one.id} stands for ${one.url} and for ${other.url}`
