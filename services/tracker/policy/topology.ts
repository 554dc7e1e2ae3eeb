import { nearFirst, nearness } from './parts/by-zone.ts'
import { othersThan, withOrigins } from './parts/kinds-of-peers.ts'
import type { Candidate, PeerOrder } from './peer-order.ts'

/** Agents on the same machine come first, then those of the rack, then those of the zone; among these the complete ones. */
export const topology: PeerOrder = (asker, candidates, random) => {
  const closer = (a: Candidate, b: Candidate) =>
    nearness(asker, b) - nearness(asker, a) || Number(b.complete) - Number(a.complete)
  return nearFirst(asker, othersThan(asker, candidates), {
    random,
    order: (near) => withOrigins(asker, near, { random, order: (agents) => agents.toSorted(closer) }),
  })
}
