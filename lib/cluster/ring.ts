import HashRing from 'hashring'
import { appError } from '../base/index.ts'
import type { Member } from './cluster.ts'

/**
 * Each member has 160 hashes of four points. Only a number other than 40, the default of the package, is used
 * unchanged. The default is scaled by the number of members and rounded, so an unchanged member would gain or lose
 * points (and keys) when another one joins.
 */
const VNODES = 160
const POINTS_PER_VNODE = 4

/** The package uses ids as property names, so `__proto__` and similar ids are refused. */
const idShape = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

/** The order of members around a consistent hash ring. */
export interface Ring {
  /** Every member once, in ring order from the place of `key`. All nodes that list the same ids get the same order. */
  order(key: string): readonly Member[]
}

/** @throws CLUSTER_EMPTY without members, CONFIG_INVALID when an id is malformed or occurs twice */
export function hashRing(members: readonly Member[]): Ring {
  if (members.length === 0) throw appError('CLUSTER_EMPTY')
  const byId = new Map<string, Member>()
  for (const member of members) {
    const trouble = idTrouble(member.id)
    if (trouble !== undefined) throw invalid(trouble)
    if (byId.has(member.id)) throw invalid(`the member id ${member.id} occurs twice; give each member its own`)
    byId.set(member.id, member)
  }
  // Sorted, so that two points in the same place have the same order, whatever the order in the config.
  const servers = Object.fromEntries([...byId.keys()].sort().map((id) => [id, { vnodes: VNODES }]))
  const ring = new HashRing(servers, 'sha256', { replicas: POINTS_PER_VNODE })
  return {
    order: (key) => ring.range(key, members.length, true).map((id) => byId.get(id) as Member),
  }
}

/** Why this cannot be the id of a member; undefined when it can. */
export function idTrouble(id: string): string | undefined {
  if (idShape.test(id)) return undefined
  return `the member id ${JSON.stringify(id)} must be letters, digits, dots, dashes or colons`
}

function invalid(message: string) {
  return appError('CONFIG_INVALID', { message })
}
