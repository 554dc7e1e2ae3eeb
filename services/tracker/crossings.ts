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
/** How soon whoever knows few peers elsewhere asks again; twice as long each time that it hears of nobody new. */
const SOON_MS = 1_000
/** Peers of other zones that are remembered to be known. */
const MAX_KNOWN = 64

/** What a peer that crosses has been told. */
interface Told {
  readonly peerId: PeerId
  readonly far: ReadonlySet<PeerId>
  readonly waitMs: number
}

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
  /** The peer is named these of other zones, which are few; returns how soon it should ask for more. */
  again(crossing: Crossing, far: readonly PeerId[]): number
}

export function crossings(
  clock: Pick<Clock, 'monotonicMs'>,
  { maxCrossings }: { readonly maxCrossings: number },
): Crossings {
  const takers = countCache<Taker>(clock, { maxEntries: maxCrossings })
  const told = countCache<Told>(clock, { maxEntries: maxCrossings })
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
    again(crossing, far) {
      const known = told.get(keyOf(crossing))
      const before = known?.peerId === crossing.peerId ? known : undefined
      const isNew = before === undefined || far.some((id) => !before.far.has(id))
      const waitMs = isNew ? SOON_MS : before.waitMs * 2
      const all = [...new Set([...far, ...(before?.far ?? [])])].slice(0, MAX_KNOWN)
      told.set(keyOf(crossing), { peerId: crossing.peerId, far: new Set(all), waitMs })
      return waitMs
    },
  }
}
