import HashRing from 'hashring'
import { appError } from '../base/index.ts'
import type { Member } from './cluster.ts'

/**
 * Points of one member: 160 hashes of four points each. Any number but the package's default of 40 makes it take the
 * count as it is; the default is scaled by the number of members and rounded, so that an unchanged member gains or
 * loses points (and keys) when another one joins.
 */
const VNODES = 160
const POINTS_PER_VNODE = 4

/** Ids become property names inside the package, so `__proto__` and the like are kept out. */
const idShape = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/** The order of members around a consistent hash ring. */
export interface Ring {
  /** Every member once, in ring order from where `key` falls. The same on every node that lists the same ids. */
  order(key: string): readonly Member[]
}

/** @throws CLUSTER_EMPTY without members, CONFIG_INVALID when an id is malformed or stands twice */
export function hashRing(members: readonly Member[]): Ring {
  if (members.length === 0) throw appError('CLUSTER_EMPTY')
  const byId = new Map<string, Member>()
  for (const member of members) {
    if (!idShape.test(member.id)) {
      throw invalid(`the member id ${JSON.stringify(member.id)} must be letters, digits, dots, dashes or colons`)
    }
    if (byId.has(member.id)) throw invalid(`the member id ${member.id} stands twice; give each member its own`)
    byId.set(member.id, member)
  }
  // Sorted, so that two points that fall on one place stand in the same order however the config lists the members.
  const servers = Object.fromEntries([...byId.keys()].sort().map((id) => [id, { vnodes: VNODES }]))
  const ring = new HashRing(servers, 'sha256', { replicas: POINTS_PER_VNODE })
  return {
    order: (key) => ring.range(key, members.length, true).map((id) => byId.get(id) as Member),
  }
}

function invalid(message: string) {
  return appError('CONFIG_INVALID', { message })
}
