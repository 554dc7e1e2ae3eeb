import type { PeerId, PeerRole } from '../../../lib/core/index.ts'
import { type Offer, type PickPeer, type RateMeter, rateMeter } from '../../../lib/swarm/picker/index.ts'
import type { Setting, Torrent } from './model.ts'
import type { News } from './news.ts'
import type { SupplyPeer } from './supply.ts'

/** How one torrent sees a peer of it; the peer has the twin. */
export class Connection implements PickPeer, SupplyPeer {
  readonly mine: Torrent
  readonly theirs: Torrent
  readonly joinedMs: number
  readonly role: PeerRole
  readonly id: PeerId
  readonly rate: RateMeter = rateMeter()
  readonly suggested = new Set<number>()
  readonly denied = new Map<number, number>()
  readonly offer: Offer
  /** Its number among the peers of the torrent. */
  readonly slot: number
  readonly #news: News
  twin: Connection
  closed = false
  /** They do not serve us. */
  choked = true
  /** They have said that they want something; since when, and since when we serve them. */
  interested = false
  waitingSinceMs: number
  servedSinceMs: number | undefined
  openPieces = 0
  /** How many may be open at once; undefined when that has to be computed anew. */
  pipelinePieces: number | undefined
  /** Timeouts in a row. */
  misses = 0
  notBeforeMs = 0

  constructor(mine: Torrent, theirs: Torrent, { timeline: { nowMs }, news }: Setting) {
    this.mine = mine
    this.theirs = theirs
    this.joinedMs = nowMs
    this.waitingSinceMs = nowMs
    this.role = theirs.host.role
    this.id = theirs.host.init.peerId
    this.twin = this
    this.#news = news
    this.slot = this.#takeSlot()
    this.#listen()
    this.offer = mine.pieces.offerOf(this.id)
  }

  /** Nothing can be asked of them until they have more. */
  get exhausted(): boolean {
    return this.#news.isAlert(this.mine.number, this.slot)
  }

  set exhausted(exhausted: boolean) {
    this.#news.setAlert(this.mine.number, this.slot, exhausted)
  }

  /** It can be asked for the piece. */
  has(piece: number): boolean {
    this.mine.supply.settle()
    return this.offer.have.has(piece)
  }

  get idle(): boolean {
    return this.openPieces === 0
  }

  get isReliable(): boolean {
    return !this.choked && this.misses === 0
  }

  /** Hears no more of their new pieces. */
  ignore(): void {
    this.#news.ignore(this.theirs.number, this.mine.number, this.slot)
  }

  #takeSlot(): number {
    const { bySlot } = this.mine
    const free = bySlot.indexOf(undefined)
    const slot = free < 0 ? bySlot.length : free
    bySlot[slot] = this
    return slot
  }

  /** Who needs something, and an origin that may suggest something, hears of their new pieces. */
  #listen(): void {
    const { mine, theirs } = this
    if (mine.ledger !== undefined) this.#news.hearAtOnce(theirs.number, mine.number, this.slot)
    if (mine.complete) return
    this.#news.hear(theirs.number, mine.number, this.slot)
    mine.supply.add(this, this.slot, theirs.told)
  }
}
