import { Bitset } from '../../../lib/base/index.ts'

/** States of a piece: nobody was asked, asked, being checked, here, and here with all peers knowing it. */
export const MISSING = 0
export const ASKED = 1
export const CHECKED = 2
export const HERE = 3
export const TOLD = 4

/** How far one torrent is with each of its pieces. */
export class PieceStates {
  readonly #states: Uint8Array
  /** What the peers know to be here. */
  readonly told: Bitset
  /** How many are not here. */
  missing: number

  /** All `count` pieces are here, and the peers know it; or none is. */
  constructor(count: number, { complete }: { readonly complete: boolean }) {
    this.#states = new Uint8Array(count).fill(complete ? TOLD : MISSING)
    this.told = complete ? Bitset.full(count) : new Bitset(count)
    this.missing = complete ? 0 : count
  }

  of(piece: number): number {
    return this.#states[piece] as number
  }

  become(piece: number, state: number): void {
    this.#states[piece] = state
    if (state === HERE) this.missing -= 1
    else if (state === TOLD) this.told.add(piece)
  }
}
