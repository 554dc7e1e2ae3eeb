import type { Bitset } from '../../../lib/base/index.ts'
import { suggestions } from '../../../lib/swarm/picker/index.ts'

/** What an origin decides about the agents of one blob; the only place where the simulator meets the origin's rules. */
export interface Ledger {
  /** The agent has got `piece`, or has told anew what it has: which pieces are suggested to it now. */
  heard(peer: string, have: Bitset, piece: number | undefined): readonly number[]
  left(peer: string): void
}

export function originLedger(pieces: number): Ledger {
  const promised = suggestions(pieces)
  return {
    heard(peer, have, piece) {
      promised.update(peer, have, piece)
      return promised.next(peer)
    },
    left: (peer) => promised.remove(peer),
  }
}
