import { throwIfAborted } from '../../base/index.ts'
import { checkedMembers } from './checked-members.ts'
import type { MemberSource } from './member-source.ts'
import { hostsOfNamed, membersIn, type NamedMember } from './named-members.ts'

/** Members that stand in the config. @throws CONFIG_INVALID for one without an address in this network */
export function staticSource(named: readonly NamedMember[], network?: string): MemberSource {
  const what = 'the config'
  const members = membersIn(named, network)
  return {
    what,
    hosts: hostsOfNamed(named),
    async read({ signal } = {}) {
      throwIfAborted(signal)
      return { members: checkedMembers(members, what), againMs: undefined }
    },
  }
}
