import type { Bitset } from '../../base/index.ts'

/** How many agents have each piece; updated with every message, so that a question needs no counting. */
export interface Availability {
  copies(piece: number): number
  /** Counts the pieces that `peer` has and that were not counted before. */
  update(peer: string, have: Bitset, piece: number | undefined): void
  remove(peer: string): void
}

/** Who has all pieces when it is first counted costs nothing for each piece. */
export function availability(count: number): Availability {
  const copies = new Uint16Array(count)
  const counted = new Map<string, Bitset>()
  const whole = new Set<string>()

  const change = (piece: number, by: 1 | -1) => {
    copies[piece] = (copies[piece] ?? 0) + by
  }
  const remove = (peer: string) => {
    const mine = counted.get(peer)
    if (mine === undefined) return
    counted.delete(peer)
    if (whole.delete(peer)) return
    for (const piece of mine) change(piece, -1)
  }

  return {
    copies: (piece) => (copies[piece] ?? 0) + whole.size,
    remove,
    update(peer, have, piece) {
      const known = counted.get(peer)
      if (known !== undefined && piece !== undefined) {
        if (known.add(piece)) change(piece, 1)
        return
      }
      remove(peer)
      counted.set(peer, have.clone())
      if (have.complete) whole.add(peer)
      else for (const index of have) change(index, 1)
    },
  }
}
