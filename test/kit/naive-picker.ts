import { type PeerRole, readPriorities } from '../../lib/core/index.ts'
import type { PickScope, ReaderWindow } from '../../lib/swarm/picker/index.ts'

/** The torrent, piece by piece. */
export interface NaiveView {
  readonly count: number
  readonly scope: PickScope
  readonly windows: readonly ReaderWindow[]
  wanted(piece: number): boolean
  copies(piece: number): number
  served(piece: number): boolean
  isMine(piece: number): boolean
  readonly agentsAreSlow: boolean
}

export interface NaivePeer {
  readonly role: PeerRole
  has(piece: number): boolean
  readonly suggested: ReadonlySet<number>
  readonly idle: boolean
}

type Can = (piece: number) => boolean

/** Pieces that a reader needs now, in strict order. */
const STRICT_PIECES = 2

/**
 * The pieces of which `pickPiece` may choose one: its rules word by word, with a look at every piece. What the index is
 * compared with, in what it chooses and in what it costs.
 */
export function allowedPicks(view: NaiveView, peer: NaivePeer): readonly number[] {
  const inWindows = (piece: number) => view.windows.some(({ next, end }) => piece >= next && piece < end)
  const ofUse = (piece: number) => view.scope === 'all' || (view.scope === 'windows' && inWindows(piece))
  const can = (piece: number) => view.wanted(piece) && ofUse(piece) && peer.has(piece)
  return peer.role === 'origin' ? fromOrigin(view, peer, can) : fromAgent(view, peer, can)
}

function fromAgent(view: NaiveView, peer: NaivePeer, can: Can): readonly number[] {
  const tiers = readPriorities.map((priority) => ({
    ...view,
    windows: view.windows.filter((window) => (window.priority ?? 'onDemand') === priority),
  }))
  return firstOf(
    ...tiers.flatMap((tier) => [() => one(strict(tier).find(can)), () => rarestInWindows(tier, can)]),
    () => one([...peer.suggested].find(can)),
    () => rarest(view, all(view), can),
  )
}

function fromOrigin(view: NaiveView, peer: NaivePeer, can: Can): readonly number[] {
  const only = (piece: number) => can(piece) && !view.served(piece)
  const own = (piece: number) => only(piece) && view.isMine(piece)
  return firstOf(
    () => one(view.windows.find(({ urgent, next }) => urgent && can(next))?.next),
    () => one([...peer.suggested].find(only)),
    () => one(view.windows.flatMap(piecesOf).find(own)),
    () => rarest(view, all(view), own),
    () => (peer.idle ? rarestInWindows(view, only) : []),
    () => (peer.idle ? rarest(view, all(view), only) : []),
    () => (peer.idle && view.agentsAreSlow ? rarestInWindows(view, can) : []),
    () => (peer.idle && view.agentsAreSlow ? rarest(view, all(view), can) : []),
  )
}

function firstOf(...steps: readonly (() => readonly number[])[]): readonly number[] {
  for (const step of steps) {
    const found = step()
    if (found.length > 0) return found
  }
  return []
}

const one = (piece: number | undefined) => (piece === undefined ? [] : [piece])
const range = (start: number, end: number) => Array.from({ length: Math.max(0, end - start) }, (_, at) => start + at)
const all = ({ count }: NaiveView) => range(0, count)
const piecesOf = ({ next, end }: ReaderWindow) => range(next, end)
const strict = ({ windows }: NaiveView) =>
  windows.flatMap(({ next, end }) => range(next, Math.min(end, next + STRICT_PIECES)))

function rarestInWindows(view: NaiveView, can: Can): readonly number[] {
  return firstOf(...view.windows.map((window) => () => rarest(view, piecesOf(window), can)))
}

function rarest(view: NaiveView, pieces: readonly number[], can: Can): readonly number[] {
  let fewest = Number.POSITIVE_INFINITY
  let found: number[] = []
  for (const piece of pieces) {
    if (!can(piece)) continue
    const copies = view.copies(piece)
    if (copies > fewest) continue
    if (copies < fewest) found = []
    fewest = copies
    found.push(piece)
  }
  return found
}
