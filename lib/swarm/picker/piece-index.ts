import { Bitset, inOrder, popCount, type Random } from '../../base/index.ts'
import { type Availability, availability } from './availability.ts'

/** What a peer has of the wanted pieces. Live, only to be read. */
export interface Offer {
  readonly have: Bitset
  /** How many of the wanted pieces it has. */
  readonly count: number
  /** None of its pieces has fewer copies at agents that have only a part: 1 for such an agent. */
  readonly least: number
}

/** Which of the wanted pieces may be chosen: those on offer in `[start, end)`, in `among` and not in `except`. */
export interface PieceQuery {
  readonly offer: Offer
  readonly start: number
  readonly end: number
  readonly among?: Bitset | undefined
  readonly except?: Bitset | undefined
}

/** So few candidates in all, or pieces of a level, are looked at one by one; and so few words of 32 pieces at once. */
const FEW = { candidates: 256, pieces: 64, words: 8 }
/** The tries at random among more of them, before all are looked at. */
const TRIES = 64

/** The wanted pieces with the same number of copies: as bits, and as a list in no order. */
interface Level {
  readonly bits: Bitset
  readonly list: number[]
}

/**
 * The pieces that are wanted, by the number of agents that have them, and what each peer has of them. Every event costs
 * a few steps for each peer, and a choice some passes over bits, 32 pieces in a step; nothing looks at each piece. It
 * has one writer.
 */
export class PieceIndex {
  readonly count: number
  readonly #wanted: Bitset
  /** The wanted pieces by their copies; who had everything at once is the same for all pieces, so it is left out. */
  readonly #levels: Level[] = []
  /** Where each wanted piece stands in the list of its level. */
  readonly #places: Uint32Array
  readonly #nothing: Bitset
  readonly #copies: Availability
  readonly #peers = new Map<string, Offer & { count: number }>()

  constructor(count: number) {
    this.count = count
    this.#wanted = new Bitset(count)
    this.#nothing = new Bitset(count)
    this.#places = new Uint32Array(count)
    this.#copies = availability(count, (piece, before, change) => this.#onCopies(piece, before, change))
  }

  /** How many pieces are wanted. */
  get size(): number {
    return this.#wanted.count
  }

  wanted(piece: number): boolean {
    return this.#wanted.has(piece)
  }

  /** Agents that have the piece. */
  copies(piece: number): number {
    return this.#copies.copies(piece)
  }

  /** Says whether a piece is wanted. Idempotent. */
  want(piece: number, wanted: boolean): void {
    if (!(wanted ? this.#wanted.add(piece) : this.#wanted.delete(piece))) return
    const copies = this.#copies.partial(piece)
    if (wanted) this.#enter(copies, piece)
    else this.#leave(copies, piece)
    const change = wanted ? 1 : -1
    for (const peer of this.#peers.values()) if (peer.have.has(piece)) peer.count += change
  }

  /** The peer has got `piece`, or has all that is in `have` and nothing else. The copies of an origin do not count. */
  update(
    id: string,
    { have, role }: { readonly have: Bitset; readonly role: string },
    piece: number | undefined,
  ): void {
    const known = this.#peers.get(id)
    const isNews = piece !== undefined && known?.have.has(piece) === false
    if (role === 'agent') this.#copies.update(id, have, piece)
    if (known !== undefined && piece !== undefined) {
      known.have.add(piece)
      if (isNews && this.#wanted.has(piece)) known.count += 1
      return
    }
    const own = this.#copies.counted(id) ?? have.clone()
    const least = role === 'agent' && !have.complete ? 1 : 0
    this.#peers.set(id, { have: own, least, count: own.overlap(this.#wanted) })
  }

  /** An origin, whose copies do not count, has the piece but does not give it for a while; or it gives it again. */
  withhold(id: string, piece: number, withheld: boolean): void {
    const peer = this.#peers.get(id)
    if (peer === undefined || !(withheld ? peer.have.delete(piece) : peer.have.add(piece))) return
    if (this.#wanted.has(piece)) peer.count += withheld ? -1 : 1
  }

  remove(id: string): void {
    this.#peers.delete(id)
    this.#copies.remove(id)
  }

  /** What the peer has, as it was told here. */
  offerOf(id: string): Offer {
    return this.#peers.get(id) ?? { have: this.#nothing, count: 0, least: 0 }
  }

  /** The offer of somebody who has everything. */
  offerAll(): Offer {
    return { have: Bitset.full(this.count), count: this.size, least: 0 }
  }

  /** A piece with the fewest copies that the query allows; among equals, each has the same chance. */
  rarest(query: PieceQuery, random: Random): number | undefined {
    const filter = this.#filterOf(query)
    // Few of all are in short lists; few of many are found by their bits.
    if (filter.isWide && this.size > FEW.candidates) {
      const candidates = countOf(this.#wanted.words, filter, FEW.candidates)
      if (candidates === 0) return undefined
      if (candidates <= FEW.candidates) return this.#rarestOfFew(filter, random)
    }
    for (let copies = query.offer.least; copies < this.#levels.length; copies += 1) {
      const level = this.#level(copies)
      const piece = level.list.length === 0 ? undefined : anyOf(level, filter, random)
      if (piece !== undefined) return piece
    }
    return undefined
  }

  /** The first wanted piece that the query allows. */
  first(query: PieceQuery): number | undefined {
    const filter = this.#filterOf(query)
    for (let at = filter.from; at < filter.to; at += 1) {
      const word = allowed(this.#wanted.words, filter, at)
      if (word !== 0) return at * 32 + Math.clz32(inOrder(word))
    }
    return undefined
  }

  #rarestOfFew(filter: Filter, random: Random): number | undefined {
    let best: number | undefined
    let fewest = Number.POSITIVE_INFINITY
    let ties = 0
    for (let at = filter.from; at < filter.to; at += 1) {
      let left = inOrder(allowed(this.#wanted.words, filter, at))
      for (; left !== 0; left &= ~(0x80000000 >>> Math.clz32(left))) {
        const piece = at * 32 + Math.clz32(left)
        const copies = this.#copies.partial(piece)
        if (copies > fewest) continue
        ties = copies < fewest ? 1 : ties + 1
        fewest = copies
        if (ties === 1 || random.next() * ties < 1) best = piece
      }
    }
    return best
  }

  #level(copies: number): Level {
    while (this.#levels.length <= copies) this.#levels.push({ bits: new Bitset(this.count), list: [] })
    return this.#levels[copies] as Level
  }

  #enter(copies: number, piece: number): void {
    const { bits, list } = this.#level(copies)
    bits.add(piece)
    this.#places[piece] = list.push(piece) - 1
  }

  #leave(copies: number, piece: number): void {
    const { bits, list } = this.#level(copies)
    bits.delete(piece)
    const last = list.pop() as number
    if (last === piece) return
    const place = this.#places[piece] as number
    list[place] = last
    this.#places[last] = place
  }

  #onCopies(piece: number, before: number, change: 1 | -1): void {
    if (!this.#wanted.has(piece)) return
    this.#leave(before, piece)
    this.#enter(before + change, piece)
  }

  #filterOf({ offer: { have }, start, end, among = have, except = this.#nothing }: PieceQuery): Filter {
    const [from, to] = [start >>> 5, (end + 31) >>> 5]
    const isWide = to - from > FEW.words
    return { have: have.words, among: among.words, except: except.words, start, end, from, to, isWide }
  }
}

/** A query as words of bits, all of the same kind so that the loops below stay fast. */
interface Filter extends Pick<PieceQuery, 'start' | 'end'> {
  readonly have: Uint32Array
  readonly among: Uint32Array
  readonly except: Uint32Array
  /** Words `[from, to)` hold the range. */
  readonly from: number
  readonly to: number
  readonly isWide: boolean
}

/** The members of one word of a set that the filter allows. */
function allowed(set: Uint32Array, filter: Filter, at: number): number {
  const { have, among, except, start, end, from } = filter
  const word = (set[at] as number) & (have[at] as number) & (among[at] as number) & ~(except[at] as number)
  if (word === 0 || (at > from && at < end >>> 5)) return word
  let edge = inOrder(word)
  if (at === from) edge &= 0xffffffff >>> (start & 31)
  if (at === end >>> 5) edge &= ~(0xffffffff >>> (end & 31))
  return inOrder(edge)
}

/** How many members of a set the filter allows; looks no further when these are more than `enough`. */
function countOf(set: Uint32Array, filter: Filter, enough: number): number {
  const { have, among, except, from, to } = filter
  let count = popCount(allowed(set, filter, from))
  for (let at = from + 1; at < to - 1 && count <= enough; at += 1) {
    // The words between the two ends need no care; most of them have nothing.
    const word = (set[at] as number) & (have[at] as number) & (among[at] as number) & ~(except[at] as number)
    if (word !== 0) count += popCount(word)
  }
  return to - from > 1 ? count + popCount(allowed(set, filter, to - 1)) : count
}

function isAllowed({ bits }: Level, filter: Filter, piece: number): boolean {
  return ((inOrder(allowed(bits.words, filter, piece >>> 5)) << (piece & 31)) & 0x80000000) !== 0
}

/** Any member that the filter allows, each with the same chance: a few tries at random, then an exact count. */
function anyOf(level: Level, filter: Filter, random: Random): number | undefined {
  const { bits, list } = level
  if (filter.isWide) {
    if (list.length <= FEW.pieces) return anyListed(level, filter, random)
    for (let tries = 0; tries < TRIES; tries += 1) {
      const piece = list[Math.floor(random.next() * list.length)] as number
      if (piece >= filter.start && piece < filter.end && isAllowed(level, filter, piece)) return piece
    }
  }
  const total = countOf(bits.words, filter, Number.POSITIVE_INFINITY)
  if (total === 0) return undefined
  let nth = Math.floor(random.next() * total)
  for (let at = filter.from; at < filter.to; at += 1) {
    const word = allowed(bits.words, filter, at)
    const members = popCount(word)
    if (nth < members) return at * 32 + nthOf(inOrder(word), nth)
    nth -= members
  }
  return undefined
}

function anyListed(level: Level, filter: Filter, random: Random): number | undefined {
  let found: number | undefined
  let count = 0
  for (const piece of level.list) {
    if (piece < filter.start || piece >= filter.end || !isAllowed(level, filter, piece)) continue
    count += 1
    if (count === 1 || random.next() * count < 1) found = piece
  }
  return found
}

/** The position of the member number `nth` of an ordered word. */
function nthOf(word: number, nth: number): number {
  let left = word
  for (let skipped = 0; skipped < nth; skipped += 1) left &= ~(0x80000000 >>> Math.clz32(left))
  return Math.clz32(left)
}
