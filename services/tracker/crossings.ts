import { type Clock, countCache } from '../../lib/base/index.ts'
import type { PeerId, SwarmId } from '../../lib/core/index.ts'

/** A peer of a zone of a swarm. */
export interface Crossing {
  readonly swarmId: SwarmId
  readonly zone: string
  readonly peerId: PeerId
}

/** After so long without progress another peer may cross in its place: one that brings nothing must not keep its zone waiting. */
const TENURE_MS = 60_000

interface Taker {
  readonly peerId: PeerId
  /** What it lacked when it last said less than before, and when that was. */
  readonly leftBytes: number | undefined
  readonly sinceMs: number
}

/**
 * Which peer of each zone of a swarm was named peers of other zones. As long as it is in the swarm, as a downloader or as
 * a seeder, and for a while, the others of its zone get the blob through it.
 */
export interface Crossings {
  /** Whether the peer may cross: it does already, or nobody who `isHere` does. */
  open(crossing: Crossing, isHere: (peerId: PeerId) => boolean): boolean
  /** The peer was named peers of other zones, and lacks so many bytes, if it has said so. */
  taken(crossing: Crossing, leftBytes?: number): void
}

export function crossings(
  clock: Pick<Clock, 'monotonicMs'>,
  { maxCrossings }: { readonly maxCrossings: number },
): Crossings {
  const takers = countCache<Taker>(clock, { maxEntries: maxCrossings })
  const keyOf = ({ swarmId, zone }: Crossing) => `${swarmId} ${zone}`
  return {
    open(crossing, isHere) {
      const taker = takers.get(keyOf(crossing))
      if (taker === undefined || taker.peerId === crossing.peerId || !isHere(taker.peerId)) return true
      return clock.monotonicMs() - taker.sinceMs >= TENURE_MS
    },
    taken(crossing, leftBytes) {
      const before = takers.get(keyOf(crossing))
      const isSame = before?.peerId === crossing.peerId
      if (isSame && (leftBytes ?? Infinity) >= (before.leftBytes ?? Infinity)) return
      takers.set(keyOf(crossing), { peerId: crossing.peerId, leftBytes, sinceMs: clock.monotonicMs() })
    },
  }
}
