import { type Bitset, inOrder, popCount } from '../../base/index.ts'

/** Which of the wanted pieces may be chosen: those on offer in `[start, end)`, in `among` and not in `except`. */
export interface PieceQuery {
  readonly offer: Offer
  readonly start: number
  readonly end: number
  readonly among?: Bitset | undefined
  readonly except?: Bitset | undefined
}

/** What a peer has of all pieces. Live, only to be read. */
export interface Offer {
  readonly have: Bitset
  /** Whether it has any wanted piece. */
  readonly isOfUse: boolean
  /** None of its pieces has fewer copies at agents that have only a part: 1 for such an agent. */
  readonly least: number
}

/** So few words of 32 pieces are looked at at once. */
const FEW_WORDS = 8

/** A query as words of bits, all of the same kind so that the loops below stay fast. */
export interface Filter extends Pick<PieceQuery, 'start' | 'end'> {
  readonly have: Uint32Array
  readonly among: Uint32Array
  readonly except: Uint32Array
  /** Words `[from, to)` hold the range. */
  readonly from: number
  readonly to: number
  readonly isWide: boolean
}

/** `nothing` is an empty set of the same length. */
export function filterOf({ offer: { have }, start, end, among = have, except }: PieceQuery, nothing: Bitset): Filter {
  const [from, to] = [start >>> 5, (end + 31) >>> 5]
  const isWide = to - from > FEW_WORDS
  return { have: have.words, among: among.words, except: (except ?? nothing).words, start, end, from, to, isWide }
}

/** The members of one word of a set that the filter allows. */
export function allowed(set: Uint32Array, filter: Filter, at: number): number {
  const { have, among, except, start, end, from } = filter
  const word = (set[at] as number) & (have[at] as number) & (among[at] as number) & ~(except[at] as number)
  if (word === 0 || (at > from && at < end >>> 5)) return word
  let edge = inOrder(word)
  if (at === from) edge &= 0xffffffff >>> (start & 31)
  if (at === end >>> 5) edge &= ~(0xffffffff >>> (end & 31))
  return inOrder(edge)
}

/** How many members of a set the filter allows; looks no further when these are more than `enough`. */
export function countOf(set: Uint32Array, filter: Filter, enough: number): number {
  const { have, among, except, from, to } = filter
  let count = popCount(allowed(set, filter, from))
  for (let at = from + 1; at < to - 1 && count <= enough; at += 1) {
    // The words between the two ends need no care; most of them have nothing.
    const word = (set[at] as number) & (have[at] as number) & (among[at] as number) & ~(except[at] as number)
    if (word !== 0) count += popCount(word)
  }
  return to - from > 1 ? count + popCount(allowed(set, filter, to - 1)) : count
}

/** Whether the filter allows a member of the set. */
export function isAllowed(set: Uint32Array, filter: Filter, piece: number): boolean {
  if (piece < filter.start || piece >= filter.end) return false
  return ((inOrder(allowed(set, filter, piece >>> 5)) << (piece & 31)) & 0x80000000) !== 0
}
