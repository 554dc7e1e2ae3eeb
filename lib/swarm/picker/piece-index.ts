import { Bitset, inOrder, type Random } from '../../base/index.ts'
import { CopyOrder } from './copy-order.ts'
import { allowed, countOf, type Filter, filterOf, isAllowed, type Offer, type PieceQuery } from './piece-query.ts'

/** So few candidates in all are looked at one by one. */
const FEW_CANDIDATES = 256
/** The tries at random among the pieces with the same number of copies, before all candidates are looked at. */
const TRIES = 64

/**
 * The pieces that are wanted, by the number of agents that have them, and what each peer has of them. Every event costs
 * a few steps for each peer, and a choice some passes over bits, 32 pieces in a step; nothing looks at each piece. It
 * has one writer.
 */
export class PieceIndex {
  readonly count: number
  readonly #wanted: Bitset
  /** The wanted pieces by their copies; who had everything at once is the same for all pieces, so it is left out. */
  readonly #order: CopyOrder
  readonly #nothing: Bitset
  /** How many agents have each piece, without those that had everything at once. */
  readonly #copies: Uint16Array
  /** Agents that had everything at once. */
  #whole = 0
  readonly #peers = new Map<string, PeerOffer>()

  constructor(count: number) {
    this.count = count
    this.#wanted = new Bitset(count)
    this.#nothing = new Bitset(count)
    this.#order = new CopyOrder(count)
    this.#copies = new Uint16Array(count)
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
    return this.#partial(piece) + this.#whole
  }

  /** Says whether a piece is wanted. Idempotent. */
  want(piece: number, wanted: boolean): void {
    if (!(wanted ? this.#wanted.add(piece) : this.#wanted.delete(piece))) return
    const copies = this.#partial(piece)
    if (!wanted) {
      this.#order.delete(piece, copies)
      return
    }
    this.#order.add(piece, copies)
    for (const peer of this.#peers.values()) if (peer.have.has(piece)) peer.mayBeOfUse = true
  }

  /** The peer has got `piece`, or has all that is in `have` and nothing else. The copies of an origin do not count. */
  update(
    id: string,
    { have, role }: { readonly have: Bitset; readonly role: string },
    piece: number | undefined,
  ): void {
    const known = this.#peers.get(id)
    if (known !== undefined && piece !== undefined) {
      this.#gained(known, piece)
      return
    }
    this.remove(id)
    const peer = new PeerOffer(have.clone(), this.#wanted, role === 'agent')
    this.#peers.set(id, peer)
    if (peer.isPart) for (const each of peer.have) this.#change(each, 1)
    else if (peer.isAgent) this.#whole += 1
  }

  /** An origin, whose copies do not count, has the piece but does not give it for a while; or it gives it again. */
  withhold(id: string, piece: number, withheld: boolean): void {
    const peer = this.#peers.get(id)
    if (peer === undefined || !(withheld ? peer.have.delete(piece) : peer.have.add(piece))) return
    peer.mayBeOfUse = true
  }

  remove(id: string): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    this.#peers.delete(id)
    if (peer.isPart) for (const piece of peer.have) this.#change(piece, -1)
    else if (peer.isAgent) this.#whole -= 1
  }

  /** What the peer has, as it was told here. */
  offerOf(id: string): Offer {
    return this.#peers.get(id) ?? { have: this.#nothing, isOfUse: false, least: 0 }
  }

  /** The offer of somebody who has everything. */
  offerAll(): Offer {
    return { have: Bitset.full(this.count), isOfUse: this.size > 0, least: 0 }
  }

  /** A piece with the fewest copies that the query allows; among equals, each has the same chance. */
  rarest(query: PieceQuery, random: Random): number | undefined {
    const filter = filterOf(query, this.#nothing)
    if (!filter.isWide || this.size <= FEW_CANDIDATES) return this.#rarestOfAll(filter, random)
    const candidates = countOf(this.#wanted.words, filter, FEW_CANDIDATES)
    if (candidates === 0) return undefined
    if (candidates <= FEW_CANDIDATES) return this.#rarestOfAll(filter, random)
    for (let copies = query.offer.least; copies <= this.#order.most; copies += 1) {
      const [start, end] = [this.#order.start(copies), this.#order.start(copies + 1)]
      if (start === end) continue
      const piece = this.#anyAt(start, end, { filter, random })
      // Nearly none of these are allowed: whether one is, only a look at each candidate can tell.
      return piece ?? this.#rarestOfAll(filter, random)
    }
    return undefined
  }

  /** The first wanted piece that the query allows. */
  first(query: PieceQuery): number | undefined {
    const filter = filterOf(query, this.#nothing)
    for (let at = filter.from; at < filter.to; at += 1) {
      const word = allowed(this.#wanted.words, filter, at)
      if (word !== 0) return at * 32 + Math.clz32(inOrder(word))
    }
    return undefined
  }

  #rarestOfAll(filter: Filter, random: Random): number | undefined {
    let best: number | undefined
    let fewest = Number.POSITIVE_INFINITY
    let ties = 0
    for (let at = filter.from; at < filter.to; at += 1) {
      let left = inOrder(allowed(this.#wanted.words, filter, at))
      for (; left !== 0; left &= ~(0x80000000 >>> Math.clz32(left))) {
        const piece = at * 32 + Math.clz32(left)
        const copies = this.#partial(piece)
        if (copies > fewest) continue
        ties = copies < fewest ? 1 : ties + 1
        fewest = copies
        if (ties === 1 || random.next() * ties < 1) best = piece
      }
    }
    return best
  }

  /** A piece at one of these places of the order; undefined when some tries found none that is allowed. */
  #anyAt(start: number, end: number, { filter, random }: { readonly filter: Filter; readonly random: Random }) {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const piece = this.#order.at(start + Math.floor(random.next() * (end - start)))
      if (isAllowed(this.#wanted.words, filter, piece)) return piece
    }
    return undefined
  }

  #partial(piece: number): number {
    return this.#copies[piece] as number
  }

  #gained(peer: PeerOffer, piece: number): void {
    if (!peer.have.add(piece)) return
    peer.mayBeOfUse = true
    if (peer.isPart) this.#change(piece, 1)
  }

  #change(piece: number, by: 1 | -1): void {
    const before = this.#partial(piece)
    this.#copies[piece] = before + by
    if (this.#wanted.has(piece)) this.#order.move(piece, before, by)
  }
}

class PeerOffer implements Offer {
  readonly have: Bitset
  readonly isAgent: boolean
  /** An agent that had not everything when it told what it had: its pieces are counted one by one. */
  readonly isPart: boolean
  /** False when it is known that it has no wanted piece. */
  mayBeOfUse = true
  readonly #wanted: Bitset

  constructor(have: Bitset, wanted: Bitset, isAgent: boolean) {
    this.have = have
    this.isAgent = isAgent
    this.isPart = isAgent && !have.complete
    this.#wanted = wanted
  }

  get least(): number {
    return this.isPart ? 1 : 0
  }

  get isOfUse(): boolean {
    if (this.mayBeOfUse) this.mayBeOfUse = this.have.meets(this.#wanted)
    return this.mayBeOfUse
  }
}
