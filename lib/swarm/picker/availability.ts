import type { Bitset } from '../../base/index.ts'

/** How many agents have each piece; updated with every message, so that a choice needs no counting. */
export interface Availability {
  copies(piece: number): number
  /** Counts the pieces that `peer` has and that were not counted before. */
  update(peer: string, have: Bitset, piece: number | undefined): void
  remove(peer: string): void
}

export function availability(count: number): Availability {
  const copies = new Uint16Array(count)
  const counted = new Map<string, Bitset>()

  const add = (mine: Bitset, piece: number) => {
    if (mine.add(piece)) copies[piece] = (copies[piece] ?? 0) + 1
  }
  const remove = (peer: string) => {
    const mine = counted.get(peer)
    if (mine === undefined) return
    counted.delete(peer)
    for (const piece of mine) copies[piece] = (copies[piece] ?? 0) - 1
  }

  return {
    copies: (piece) => copies[piece] ?? 0,
    remove,
    update(peer, have, piece) {
      const known = counted.get(peer)
      if (known !== undefined && piece !== undefined) {
        add(known, piece)
        return
      }
      remove(peer)
      const all = have.clone()
      counted.set(peer, all)
      for (const index of all) copies[index] = (copies[index] ?? 0) + 1
    },
  }
}
