import type { Cluster, Member } from './cluster.ts'

/** The clients of the members of a cluster, made when they are first needed. */
export interface MemberClient<C> {
  /** That of a member, also when it has left meanwhile. */
  of(member: Member): C
  /**
   * That of the member with the id. One that has left is still reached where it was called last: what began there, such as an
   * upload, goes on there. Undefined when nobody with that id is known.
   */
  at(id: string): C | undefined
}

/** Members of the past that can still be reached by their id. */
const MAX_PAST = 1_000

/** One client for each member and address: a member that moves gets another one. */
export function memberClients<C>(cluster: Pick<Cluster, 'members'>, make: (url: string) => C): MemberClient<C> {
  const made = new WeakMap<Member, { readonly client: C }>()
  /** Those that were called, by id; the one that was called first for the first time goes first. */
  const called = new Map<string, Member>()
  const of = (member: Member): C => {
    const known = made.get(member) ?? { client: make(member.url) }
    made.set(member, known)
    if (called.get(member.id) !== member) note(member)
    return known.client
  }
  const note = (member: Member) => {
    called.delete(member.id)
    called.set(member.id, member)
    for (const id of called.keys()) {
      if (called.size <= MAX_PAST) break
      called.delete(id)
    }
  }
  return {
    of,
    at(id) {
      const member = cluster.members.find((each) => each.id === id) ?? called.get(id)
      return member && of(member)
    },
  }
}
