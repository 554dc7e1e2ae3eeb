import type { Member } from './cluster.ts'
import { hashRing, type Ring } from './ring.ts'

/** The members at one time, and their ring; never changed, only replaced. */
export interface RingView extends Ring {
  readonly members: readonly Member[]
  has(id: string): boolean
}

/** What has become of the members from one view to the next, by their ids. */
export interface MemberChanges {
  readonly joined: readonly string[]
  readonly left: readonly string[]
  /** With another address. */
  readonly moved: readonly string[]
}

/**
 * The view of these members; of those that are in `before` as they are, the same objects. Without members every order is
 * empty.
 * @throws CONFIG_INVALID for malformed or repeated ids
 */
export function ringView(members: readonly Member[], before?: RingView): RingView {
  const known = new Map(before?.members.map((member) => [member.id, member]))
  const kept = members.map(({ id, url }) => {
    const same = known.get(id)
    return same?.url === url ? same : Object.freeze({ id, url })
  })
  const ring = kept.length === 0 ? { order: () => [] } : hashRing(kept)
  const ids = new Set(kept.map(({ id }) => id))
  return { members: Object.freeze(kept), has: (id) => ids.has(id), order: (key) => ring.order(key) }
}

/** What differs; the order in which members are listed does not count. */
export function changesBetween(before: readonly Member[], after: readonly Member[]): MemberChanges {
  const [old, now] = [urlsOf(before), urlsOf(after)]
  const idsWhere = (members: readonly Member[], holds: (member: Member) => boolean) =>
    members.filter(holds).map(({ id }) => id)
  return {
    joined: idsWhere(after, ({ id }) => !old.has(id)),
    left: idsWhere(before, ({ id }) => !now.has(id)),
    moved: idsWhere(after, ({ id, url }) => old.has(id) && old.get(id) !== url),
  }
}

const urlsOf = (members: readonly Member[]) => new Map(members.map(({ id, url }) => [id, url]))
