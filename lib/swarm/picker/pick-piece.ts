import type { Bitset, Random } from '../../base/index.ts'
import { type PeerRole, type ReadPriority, readPriorities } from '../../core/index.ts'
import type { PieceIndex } from './piece-index.ts'
import type { Offer, PieceQuery } from './piece-query.ts'

/** Pieces `[next, end)` in front of a reader. */
export interface ReaderWindow {
  /** The piece with the reader's next byte. */
  readonly next: number
  readonly end: number
  /** True when the reader has no byte yet or has waited too long: then an origin may be asked for its next piece. */
  readonly urgent: boolean
  /** Default `onDemand`. */
  readonly priority?: ReadPriority
}

/** The most urgent first; those of one priority stay in their order. */
export function byPriority(windows: readonly ReaderWindow[]): readonly ReaderWindow[] {
  return [...windows].sort((a, b) => rankOf(a) - rankOf(b))
}

function rankOf({ priority = 'onDemand' }: ReaderWindow): number {
  return readPriorities.indexOf(priority)
}

/** Which of the wanted pieces are of use now: all, those in the windows of readers, or none. */
export type PickScope = 'all' | 'windows' | 'none'

/** The picker's view of the torrent. */
export interface PickView {
  /** The wanted pieces: the hash of each is known, it is missing, and it was not requested from anybody. */
  readonly pieces: PieceIndex
  readonly scope: PickScope
  /** By priority, the most urgent first. */
  readonly windows: readonly ReaderWindow[]
  /** The pieces that some agent has that serves this node. */
  served(): Bitset
  /** The pieces that this node should fetch from origins (see `Shares`). */
  readonly mine: Bitset
  /**
   * True when the agents that serve this node are too slow for the rest: then an idle origin may also give pieces that
   * agents have.
   */
  agentsAreSlow(): boolean
  readonly random: Random
}

/** The picker's view of the peer that can take another piece. */
export interface PickPeer {
  readonly role: PeerRole
  readonly offer: Offer
  readonly suggested: ReadonlySet<number>
  /** True when nothing is requested from it now. */
  readonly idle: boolean
}

/**
 * Pieces that a reader needs now are picked in strict order. The number is small, because with strict order all agents
 * want the same pieces.
 */
const STRICT_PIECES = 2

/**
 * The piece to request from `peer` next. From an agent: the reader's next bytes, the rarest piece of the window, for one
 * priority after the other; then a suggested piece, the rarest piece of all. From an origin: first the next piece of an urgent reader; then pieces that
 * no agent has, first those that the origin suggests, then this node's share with the window first and in order; if it
 * is idle, also the shares of others, and last the pieces for which agents would take too long.
 */
export function pickPiece(view: PickView, peer: PickPeer): number | undefined {
  if (view.scope === 'none' || !peer.offer.isOfUse) return undefined
  return peer.role === 'origin' ? pickFromOrigin(view, peer) : pickFromAgent(view, peer)
}

/** There is a use for the piece now, when it is missing. */
export function isOfUse({ scope, windows }: PickView, piece: number): boolean {
  if (scope !== 'windows') return scope === 'all'
  return windows.some(({ next, end }) => piece >= next && piece < end)
}

/** What restricts a choice beyond what the peer has. */
type Restriction = Pick<PieceQuery, 'among' | 'except'>

function pickFromAgent(view: PickView, peer: PickPeer): number | undefined {
  for (const windows of tiers(view.windows)) {
    const tier = windows === view.windows ? view : { ...view, windows }
    const piece = nextOf(tier, peer) ?? rarestInWindows(tier, peer)
    if (piece !== undefined) return piece
  }
  return suggested(view, peer) ?? rarest(view, peer)
}

/** The windows of each priority; usually all readers have the same. */
function tiers(windows: readonly ReaderWindow[]): readonly (readonly ReaderWindow[])[] {
  const [first, last] = [windows[0], windows.at(-1)]
  if (first === undefined || last === undefined || rankOf(first) === rankOf(last)) return [windows]
  return readPriorities.map((_, rank) => windows.filter((window) => rankOf(window) === rank))
}

function pickFromOrigin(view: PickView, peer: PickPeer): number | undefined {
  const urgent = view.windows.find((window) => window.urgent && can(view, peer, window.next))
  if (urgent !== undefined) return urgent.next
  const only = { except: view.served() }
  const own = { ...only, among: view.mine }
  const mine = suggested(view, peer, only) ?? firstInWindows(view, peer, own) ?? rarest(view, peer, own)
  if (mine !== undefined || !peer.idle) return mine
  const others = rarestInWindows(view, peer, only) ?? rarest(view, peer, only)
  if (others !== undefined || !view.agentsAreSlow()) return others
  return rarestInWindows(view, peer) ?? rarest(view, peer)
}

function can({ pieces }: PickView, { offer }: PickPeer, piece: number): boolean {
  return pieces.wanted(piece) && offer.have.has(piece)
}

function nextOf(view: PickView, peer: PickPeer): number | undefined {
  for (const { next, end } of view.windows) {
    for (let piece = next; piece < Math.min(end, next + STRICT_PIECES); piece += 1) {
      if (can(view, peer, piece)) return piece
    }
  }
  return undefined
}

function firstInWindows(view: PickView, { offer }: PickPeer, restriction: Restriction): number | undefined {
  for (const { next: start, end } of view.windows) {
    const piece = view.pieces.first({ offer, start, end, ...restriction })
    if (piece !== undefined) return piece
  }
  return undefined
}

function suggested(view: PickView, peer: PickPeer, { except }: Restriction = {}): number | undefined {
  for (const piece of peer.suggested) {
    if (except?.has(piece) !== true && can(view, peer, piece) && isOfUse(view, piece)) return piece
  }
  return undefined
}

function rarestInWindows(view: PickView, { offer }: PickPeer, restriction: Restriction = {}): number | undefined {
  for (const { next: start, end } of view.windows) {
    const piece = view.pieces.rarest({ offer, start, end, ...restriction }, view.random)
    if (piece !== undefined) return piece
  }
  return undefined
}

/** The rarest of all; in a narrower scope the windows have been looked at before. */
function rarest(view: PickView, { offer }: PickPeer, restriction: Restriction = {}): number | undefined {
  const { pieces, scope, random } = view
  return scope === 'all' ? pieces.rarest({ offer, start: 0, end: pieces.count, ...restriction }, random) : undefined
}
