import type { Random } from '../../../lib/base/index.ts'
import { nearFirst, nearness } from './parts/by-zone.ts'
import { othersThan, withOrigins } from './parts/kinds-of-peers.ts'
import type { Asker, Candidate, PeerOrder } from './peer-order.ts'

/** A rate that is worth half of what any rate can be worth. */
const USUAL_BYTES_PER_SECOND = 50e6
/** How much each part counts. A part is from 0 to 1, and a half when nothing is known. */
const WEIGHTS = { have: 4, spare: 2, rate: 2, near: 1 } as const
/** Nobody is without any chance. */
const LEAST = 0.1
/** What a peer that may be named again after it was out is worth beside others. */
const PROBATION_SHARE = 0.25

function worthOf(bytesPerSecond: number | undefined): number {
  return bytesPerSecond === undefined ? 0.5 : bytesPerSecond / (bytesPerSecond + USUAL_BYTES_PER_SECOND)
}

/** What is in favour of an agent of the asker's zone: what it has, could upload, was seen to give, and how near it is. */
export function score(asker: Asker, peer: Candidate): number {
  const { complete, have = 0, spareBytesPerSecond, bytesPerSecond, onProbation } = peer
  const sum =
    LEAST +
    WEIGHTS.have * (complete ? 1 : have) +
    WEIGHTS.spare * worthOf(spareBytesPerSecond) +
    WEIGHTS.rate * worthOf(bytesPerSecond) +
    (WEIGHTS.near * Math.max(0, nearness(asker, peer) - 1)) / 2
  return onProbation === true ? sum * PROBATION_SHARE : sum
}

/**
 * The agents of the zone by their scores: not the best ones first in every answer, which would be too much for them, but
 * with chances that follow the square of the score.
 */
export const adaptive: PeerOrder = (asker, candidates, random) =>
  nearFirst(asker, othersThan(asker, candidates), {
    random,
    order: (near) =>
      withOrigins(asker, near, {
        random,
        order: (agents) => drawn(agents, (peer) => score(asker, peer) ** 2, random),
      }),
  })

/** Each place is drawn from the rest with chances that follow the weights, by the keys of Efraimidis and Spirakis. */
function drawn(
  agents: readonly Candidate[],
  weightOf: (peer: Candidate) => number,
  random: Random,
): readonly Candidate[] {
  const keyed = agents.map((peer) => ({ peer, key: Math.log(Math.max(random.next(), 1e-12)) / weightOf(peer) }))
  return keyed.sort((a, b) => b.key - a.key).map(({ peer }) => peer)
}
