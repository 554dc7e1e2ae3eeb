import { type Random, shuffled } from '../../../lib/base/index.ts'
import type { PeerInfo } from '../../../lib/core/index.ts'
import type { Asker, PeerOrder } from './peer-order.ts'

/** From this many agents with the whole blob on, origins are named last. */
const ENOUGH_COMPLETE_AGENTS = 2
/** Origins that lead the answer while there are fewer. */
const LEADING_ORIGINS = 3
/** Share of the agents' places that go to anyone of them, so that no group of peers knows only itself. */
const RANDOM_SHARE = 0.2

/**
 * Agents with the whole blob, then the others, origins last: the load moves away from the few. While fewer than two
 * agents have it all, some origins come first, because the first wave can get its pieces nowhere else. A peer that has
 * the whole blob itself is only told of those that do not.
 */
export const completeness: PeerOrder = (asker, candidates, random) => {
  const others = candidates.filter((peer) => !isAsker(peer, asker))
  const agents = others.filter(({ role }) => role === 'agent')
  const incomplete = shuffled(
    agents.filter((peer) => !peer.complete),
    random,
  )
  if (asker.complete) return incomplete
  const complete = shuffled(
    agents.filter((peer) => peer.complete),
    random,
  )
  const origins = shuffled(
    others.filter(({ role }) => role === 'origin'),
    random,
  )
  const lead = complete.length >= ENOUGH_COMPLETE_AGENTS ? 0 : LEADING_ORIGINS
  return [...origins.slice(0, lead), ...mixed([...complete, ...incomplete], random), ...origins.slice(lead)]
}

/** An earlier start of the same node has another peer id and the same address. */
function isAsker(peer: PeerInfo, asker: Asker): boolean {
  return peer.peerId === asker.peerId || (peer.host === asker.host && peer.port === asker.port)
}

/** In order, but for a share of the places, which anyone left may take. */
function mixed(ordered: readonly PeerInfo[], random: Random): PeerInfo[] {
  const rest = [...ordered]
  const out: PeerInfo[] = []
  while (rest.length > 0) {
    const at = random.next() < RANDOM_SHARE ? Math.floor(random.next() * rest.length) : 0
    out.push(...rest.splice(at, 1))
  }
  return out
}
