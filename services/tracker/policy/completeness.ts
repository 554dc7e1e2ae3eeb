import { othersThan, withOrigins } from './parts/kinds-of-peers.ts'
import type { PeerOrder } from './peer-order.ts'

/**
 * Agents with the whole blob come first, then the other agents, then origins: this takes load off the few origins.
 * Where a peer is does not count.
 */
export const completeness: PeerOrder = (asker, candidates, random) =>
  withOrigins(asker, othersThan(asker, candidates), {
    random,
    order: (agents) => agents.toSorted((a, b) => Number(b.complete) - Number(a.complete)),
  })
