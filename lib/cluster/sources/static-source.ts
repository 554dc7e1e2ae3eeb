import { throwIfAborted } from '../../base/index.ts'
import type { Member } from '../cluster.ts'
import { checkedMembers } from './checked-members.ts'
import type { MemberSource } from './member-source.ts'

/** Members that stand in the config. */
export function staticSource(members: readonly Member[]): MemberSource {
  const what = 'the config'
  return {
    what,
    hosts: [],
    async read({ signal } = {}) {
      throwIfAborted(signal)
      return { members: checkedMembers(members, what), againMs: undefined }
    },
  }
}
