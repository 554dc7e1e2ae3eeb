import type { Random } from '../../base/index.ts'
import type { PeerRole } from '../../core/index.ts'

/** Pieces `[next, end)` in front of a reader. */
export interface ReaderWindow {
  /** The piece with the reader's next byte. */
  readonly next: number
  readonly end: number
  /** True when the reader has no byte yet or has waited too long: then an origin may be asked for its next piece. */
  readonly urgent: boolean
}

/** The picker's view of the torrent. */
export interface PickView {
  /** Number of pieces. */
  readonly count: number
  /** True when its hash is known, it is missing, and it was not requested from anybody. */
  wanted(piece: number): boolean
  readonly windows: readonly ReaderWindow[]
  /** Number of agents known to have the piece. */
  copies(piece: number): number
  /** Whether an agent that has the piece serves this node. */
  served(piece: number): boolean
  /** Whether this node should fetch the piece from origins (see `Shares`). */
  isMine(piece: number): boolean
  /**
   * True when the agents that serve this node are too slow for the rest: then an idle origin may also give pieces that
   * agents have.
   */
  readonly agentsAreSlow: boolean
  readonly random: Random
}

/** The picker's view of the peer that can take another piece. */
export interface PickPeer {
  readonly role: PeerRole
  has(piece: number): boolean
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
 * The piece to request from `peer` next. From an agent: the reader's next bytes, the rarest piece of the window, a
 * suggested piece, the rarest piece of all. From an origin: first the next piece of an urgent reader; then pieces that
 * no agent has, first those that the origin suggests, then this node's share with the window first and in order; if it is idle,
 * also the shares of others, and last the pieces for which agents would take too long.
 */
export function pickPiece(view: PickView, peer: PickPeer): number | undefined {
  return peer.role === 'origin' ? pickFromOrigin(view, peer) : pickFromAgent(view, peer)
}

function pickFromAgent(view: PickView, peer: PickPeer): number | undefined {
  const can = (piece: number) => view.wanted(piece) && peer.has(piece)
  return (
    nextOf(view.windows, can) ??
    rarestInWindows(view, can) ??
    first(peer.suggested, can) ??
    rarest(view, { start: 0, end: view.count, can })
  )
}

function pickFromOrigin(view: PickView, peer: PickPeer): number | undefined {
  const can = (piece: number) => view.wanted(piece) && peer.has(piece)
  const urgent = view.windows.find((window) => window.urgent && can(window.next))
  if (urgent !== undefined) return urgent.next
  const only = (piece: number) => can(piece) && !(view.copies(piece) > 0 && view.served(piece))
  const own = (piece: number) => only(piece) && (view.isMine(piece) || peer.suggested.has(piece))
  const mine =
    first(peer.suggested, only) ??
    firstInWindows(view.windows, own) ??
    rarest(view, { start: 0, end: view.count, can: own })
  if (mine !== undefined || !peer.idle) return mine
  const others = rarestInWindows(view, only) ?? rarest(view, { start: 0, end: view.count, can: only })
  if (others !== undefined || !view.agentsAreSlow) return others
  return rarestInWindows(view, can) ?? rarest(view, { start: 0, end: view.count, can })
}

function nextOf(windows: readonly ReaderWindow[], can: (piece: number) => boolean): number | undefined {
  for (const { next, end } of windows) {
    for (let piece = next; piece < Math.min(end, next + STRICT_PIECES); piece += 1) if (can(piece)) return piece
  }
  return undefined
}

function firstInWindows(windows: readonly ReaderWindow[], can: (piece: number) => boolean): number | undefined {
  for (const { next, end } of windows) for (let piece = next; piece < end; piece += 1) if (can(piece)) return piece
  return undefined
}

function first(pieces: Iterable<number>, can: (piece: number) => boolean): number | undefined {
  for (const piece of pieces) if (can(piece)) return piece
  return undefined
}

function rarestInWindows(view: PickView, can: (piece: number) => boolean): number | undefined {
  for (const { next, end } of view.windows) {
    const piece = rarest(view, { start: next, end, can })
    if (piece !== undefined) return piece
  }
  return undefined
}

interface Candidates {
  readonly start: number
  readonly end: number
  readonly can: (piece: number) => boolean
}

/** The piece with the fewest copies; among equals, each has the same chance (one pass, reservoir sampling). */
function rarest(view: PickView, { start, end, can }: Candidates): number | undefined {
  let best: number | undefined
  let fewest = Number.POSITIVE_INFINITY
  let ties = 0
  for (let piece = start; piece < end; piece += 1) {
    if (!can(piece)) continue
    const copies = view.copies(piece)
    if (copies > fewest) continue
    ties = copies < fewest ? 1 : ties + 1
    fewest = copies
    if (ties === 1 || view.random.next() * ties < 1) best = piece
  }
  return best
}
