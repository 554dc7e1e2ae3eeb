import type { Random } from '../../base/index.ts'
import type { PeerRole } from '../../core/index.ts'

/** Pieces `[next, end)` in front of a reader. */
export interface ReaderWindow {
  /** The piece with the reader's next byte. */
  readonly next: number
  readonly end: number
  /** The reader has no byte yet or has waited too long: an origin may be asked for its next piece. */
  readonly urgent: boolean
}

/** What the rule sees of the torrent. */
export interface PickView {
  /** Number of pieces. */
  readonly count: number
  /** Its hash is known, it is not here and nobody has been asked for it. */
  wanted(piece: number): boolean
  readonly windows: readonly ReaderWindow[]
  /** Agents known to have the piece. */
  copies(piece: number): number
  /** Whether an agent that has the piece serves this node. */
  served(piece: number): boolean
  /** The piece is this node's to fetch from origins (see `Shares`). */
  isMine(piece: number): boolean
  /** The agents that serve this node are too slow for what is left: an idle origin may give what they have too. */
  readonly agentsAreSlow: boolean
  readonly random: Random
}

/** What the rule sees of the peer that can take another piece. */
export interface PickPeer {
  readonly role: PeerRole
  has(piece: number): boolean
  readonly suggested: ReadonlySet<number>
  /** Nothing is asked of it now. */
  readonly idle: boolean
}

/** Pieces a reader needs at once, in strict order; small, because strict order makes all agents want the same. */
const STRICT_PIECES = 2

/**
 * The piece to ask `peer` for next. From an agent: the reader's next bytes, the rarest of the window, a suggested piece,
 * the rarest of all. From an origin: the next piece of a reader in need, then what no agent gives: this node's share or
 * what the origin suggested, the window in order first; when it has nothing else to do, the shares of others, and at last
 * what agents would take too long for.
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
    firstInWindows(view.windows, own) ??
    first(peer.suggested, only) ??
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

/** The piece with the fewest copies; each of several has the same chance (one pass, reservoir sampling). */
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
