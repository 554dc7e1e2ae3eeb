import type { Bitset } from '../../base/index.ts'
import { type Availability, availability } from './availability.ts'
import { type Shares, shares } from './shares.ts'

/**
 * Decides what an origin suggests (BEP 6) to each agent, so that the first wave costs few copies: the pieces that the
 * fewest agents have or were promised; among these first the agent's own share, in ascending order.
 */
export interface Suggestions {
  /** Call it when the peer has got `piece`, or has sent all its pieces anew. */
  update(peer: string, have: Bitset, piece: number | undefined): void
  remove(peer: string): void
  /** Pieces to suggest to the peer now, up to the limit of open suggestions. */
  next(peer: string): readonly number[]
}

/** Most suggested pieces that a peer does not have yet. */
const OPEN_PROMISES = 8

interface Asker {
  readonly promised: Set<number>
  have: Bitset
}

export function suggestions(pieces: number): Suggestions {
  const askers = new Map<string, Asker>()
  const copies: Availability = availability(pieces)
  const promises = new Uint16Array(pieces)
  let split: Shares | undefined

  const keepPromise = (asker: Asker, piece: number) => {
    if (asker.promised.delete(piece)) promises[piece] = (promises[piece] ?? 0) - 1
  }
  const incomplete = () => [...askers].filter(([, { have }]) => !have.complete).map(([id]) => id)

  const choose = (id: string, asker: Asker): number | undefined => {
    split ??= shares(incomplete(), pieces)
    let best: number | undefined
    let lowest = Number.POSITIVE_INFINITY
    for (let piece = 0; piece < pieces; piece += 1) {
      if (asker.have.has(piece) || asker.promised.has(piece)) continue
      // A piece of another agent's share counts half a copy more, so it is chosen only after own pieces with as many
      // copies.
      const load = copies.copies(piece) + (promises[piece] ?? 0) + (split.ownerOf(piece) === id ? 0 : 0.5)
      if (load >= lowest) continue
      lowest = load
      best = piece
      if (load === 0) break
    }
    return best
  }

  return {
    update(id, have, piece) {
      const asker = askers.get(id) ?? { promised: new Set<number>(), have }
      if (!askers.has(id) || have.complete) split = undefined
      asker.have = have
      askers.set(id, asker)
      copies.update(id, have, piece)
      for (const promised of [...asker.promised]) if (have.has(promised)) keepPromise(asker, promised)
    },
    remove(id) {
      const asker = askers.get(id)
      if (asker === undefined) return
      for (const piece of [...asker.promised]) keepPromise(asker, piece)
      askers.delete(id)
      copies.remove(id)
      split = undefined
    },
    next(id) {
      const asker = askers.get(id)
      const chosen: number[] = []
      while (asker !== undefined && asker.promised.size < OPEN_PROMISES) {
        const piece = choose(id, asker)
        if (piece === undefined) break
        asker.promised.add(piece)
        promises[piece] = (promises[piece] ?? 0) + 1
        chosen.push(piece)
      }
      return chosen
    },
  }
}
