/** A piece, seen by who suggests it. */
export interface SuggestionView {
  /** How many agents may be given each piece. */
  readonly perPiece: number
  /** Agents that have the piece or are about to get it. */
  copies(piece: number): number
  /** Whether this origin suggests the piece at all. */
  isOwn(piece: number): boolean
}

/** An agent that takes suggestions. */
export interface SuggestionTaker {
  has(piece: number): boolean
  /** Pieces suggested to it that it does not have yet. */
  readonly promised: Set<number>
}

/**
 * The pieces that an origin still has to give, in ascending order: each is suggested to one agent at a time (BEP 6), so
 * that agents ask for different pieces. A suggestion costs the same however many pieces there are.
 */
export interface Suggestions {
  /** The next piece for the agent, which counts as promised to it. */
  next(taker: SuggestionTaker, view: SuggestionView): number | undefined
  /** The promise is over: it was kept, or the piece went to somebody else. */
  settle(taker: SuggestionTaker, piece: number): void
  /** Nobody fetches the piece any more: it may be suggested once more. */
  putBack(piece: number): void
  /** Begins anew, because which pieces are suggested has changed. */
  restart(): void
}

/** Pieces put back that are looked at for one suggestion. */
const LOOK_AT = 64

export function suggestions(pieces: number): Suggestions {
  const promises = new Uint16Array(pieces)
  const putBack = new Set<number>()
  /** Counts the pieces once for each agent that may be given each of them. */
  let cursor = 0

  const isDone = (piece: number, view: SuggestionView) =>
    !view.isOwn(piece) || view.copies(piece) + (promises[piece] ?? 0) >= view.perPiece

  const fromPutBack = (taker: SuggestionTaker, view: SuggestionView): number | undefined => {
    let looked = 0
    for (const piece of putBack) {
      if (looked >= LOOK_AT) break
      looked += 1
      const done = isDone(piece, view)
      if (!done && (taker.has(piece) || taker.promised.has(piece))) continue
      putBack.delete(piece)
      if (!done) return piece
    }
    return undefined
  }

  const fromOrder = (taker: SuggestionTaker, view: SuggestionView): number | undefined => {
    for (; cursor < pieces * view.perPiece; cursor += 1) {
      const piece = cursor % pieces
      if (isDone(piece, view)) continue
      if (taker.has(piece) || taker.promised.has(piece)) putBack.add(piece)
      else return piece
    }
    return undefined
  }

  return {
    next(taker, view) {
      const piece = fromPutBack(taker, view) ?? fromOrder(taker, view)
      if (piece === undefined) return undefined
      taker.promised.add(piece)
      promises[piece] = (promises[piece] ?? 0) + 1
      return piece
    },
    settle(taker, piece) {
      if (taker.promised.delete(piece)) promises[piece] = (promises[piece] ?? 0) - 1
    },
    putBack: (piece) => void putBack.add(piece),
    restart() {
      cursor = 0
    },
  }
}
