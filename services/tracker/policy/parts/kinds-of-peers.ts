import { type Random, shuffled } from '../../../../lib/base/index.ts'
import type { Asker, Candidate } from '../peer-order.ts'

/** When this many agents have the whole blob, origins are named last. */
const ENOUGH_COMPLETE_AGENTS = 2
/** Number of origins at the front of the answer while fewer agents have the whole blob. */
const LEADING_ORIGINS = 3
/** Share of the agents' places filled at random, so that no group of peers knows only itself. */
const RANDOM_SHARE = 0.2

/** Puts agents into an order of its own; it is given them shuffled. */
export type AgentOrder = (agents: readonly Candidate[]) => readonly Candidate[]

/** Everybody but the asker, also not an earlier start of it: that had another peer id and the same address. */
export function othersThan(asker: Asker, candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.filter(
    (peer) => peer.peerId !== asker.peerId && (peer.host !== asker.host || peer.port !== asker.port),
  )
}

/**
 * Agents in the given order, a share of their places at random, and origins around them: last when there are enough
 * agents with the whole blob. Until then some origins come first, because the first agents can get its pieces nowhere
 * else. An asker with the whole blob gets only agents without it.
 */
export function withOrigins(
  asker: Asker,
  others: readonly Candidate[],
  { random, order }: { readonly random: Random; readonly order: AgentOrder },
): readonly Candidate[] {
  const of = (role: Candidate['role']) =>
    shuffled(
      others.filter((peer) => peer.role === role),
      random,
    )
  const agents = of('agent')
  if (asker.complete) return order(agents.filter(({ complete }) => !complete))
  const origins = of('origin')
  const complete = agents.filter((peer) => peer.complete).length
  const lead = complete >= ENOUGH_COMPLETE_AGENTS ? 0 : LEADING_ORIGINS
  return [...origins.slice(0, lead), ...mixed(order(agents), random), ...origins.slice(lead)]
}

/** Keeps the order, except that a share of the places goes to random peers of the rest. */
function mixed(ordered: readonly Candidate[], random: Random): readonly Candidate[] {
  const rest = [...ordered]
  const out: Candidate[] = []
  while (rest.length > 0) {
    const at = random.next() < RANDOM_SHARE ? Math.floor(random.next() * rest.length) : 0
    out.push(...rest.splice(at, 1))
  }
  return out
}
