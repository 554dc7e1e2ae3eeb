import type { Bitset } from '../../base/index.ts'

/** How many agents have each piece; updated with every message, so that a choice needs no counting. */
export interface Availability {
  copies(piece: number): number
  /** Counts the pieces that `peer` has and that were not counted before. */
  update(peer: string, have: Bitset, piece: number | undefined): void
  remove(peer: string): void
  /** The same without those who had everything when they were first counted. */
  partial(piece: number): number
  /** What was counted of a peer; only to be read. */
  counted(peer: string): Bitset | undefined
}

/** The copies of a piece at peers that have only a part went from `before` to `before + change`. */
export type OnCopies = (piece: number, before: number, change: 1 | -1) => void

/** Who has all pieces when it is first counted costs nothing for each piece, and is not told of. */
export function availability(count: number, onCopies: OnCopies = () => undefined): Availability {
  const copies = new Uint16Array(count)
  const counted = new Map<string, Bitset>()
  const whole = new Set<string>()

  const change = (piece: number, by: 1 | -1) => {
    const before = copies[piece] ?? 0
    copies[piece] = before + by
    onCopies(piece, before, by)
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
    partial: (piece) => copies[piece] ?? 0,
    remove,
    counted: (peer) => counted.get(peer),
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
