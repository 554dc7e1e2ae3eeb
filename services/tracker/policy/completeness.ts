import { type Random, shuffled } from '../../../lib/base/index.ts'
import type { PeerInfo } from '../../../lib/core/index.ts'
import type { Asker, PeerOrder } from './peer-order.ts'

/** When this many agents have the whole blob, origins are named last. */
const ENOUGH_COMPLETE_AGENTS = 2
/** Number of origins at the front of the answer while fewer agents have the whole blob. */
const LEADING_ORIGINS = 3
/** Share of the agents' places filled at random, so that no group of peers knows only itself. */
const RANDOM_SHARE = 0.2

/**
 * Agents with the whole blob come first, then the other agents, then origins: this takes load off the few origins.
 * While fewer than two agents have the whole blob, some origins come first, because the first agents can get its pieces
 * nowhere else. An asker with the whole blob gets only agents without it.
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

/** Also true for an earlier start of the asker: it had another peer id and the same address. */
function isAsker(peer: PeerInfo, asker: Asker): boolean {
  return peer.peerId === asker.peerId || (peer.host === asker.host && peer.port === asker.port)
}

/** Keeps the order, except that a share of the places goes to random peers of the rest. */
function mixed(ordered: readonly PeerInfo[], random: Random): PeerInfo[] {
  const rest = [...ordered]
  const out: PeerInfo[] = []
  while (rest.length > 0) {
    const at = random.next() < RANDOM_SHARE ? Math.floor(random.next() * rest.length) : 0
    out.push(...rest.splice(at, 1))
  }
  return out
}
