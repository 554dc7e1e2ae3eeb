import { type ReadPriority, readPriorities } from '../../../lib/core/index.ts'

/** A piece that is here, that is being read, or neither. */
export type PieceState = 'here' | 'coming' | 'missing'

/** A missing piece that somebody asked for. */
export interface AskedPiece {
  readonly piece: number
  readonly priority: ReadPriority
}

/**
 * The pieces of one blob that somebody asked for, each under the most urgent priority that it was asked for with; at
 * most as many as the blob has. Nobody takes back what he asked for: a reader asks for little at a time.
 */
export interface Demand {
  /** Asks for the pieces from `first` to `last`. */
  ask(first: number, last: number, priority: ReadPriority): void
  /** The most urgent priority at which any of the pieces from `first` to `last`, which are not here, is asked for. */
  priorityOf(first: number, last: number): ReadPriority | undefined
  /** What is asked for and missing: the most urgent first, and of those what was asked for first. */
  missing(): IterableIterator<AskedPiece>
}

export function demand(stateOf: (piece: number) => PieceState): Demand {
  const asked = readPriorities.map((priority) => ({ priority, pieces: new Set<number>() }))

  const askOne = (piece: number, priority: ReadPriority) => {
    let isPlaced = false
    for (const each of asked) {
      if (each.priority === priority && !isPlaced) {
        each.pieces.add(piece)
        isPlaced = true
      } else if (isPlaced) each.pieces.delete(piece)
      else isPlaced = each.pieces.has(piece)
    }
  }

  return {
    ask(first, last, priority) {
      for (let piece = first; piece <= last; piece += 1) if (stateOf(piece) !== 'here') askOne(piece, priority)
    },
    priorityOf(first, last) {
      const isAsked = (pieces: ReadonlySet<number>) => {
        for (let piece = first; piece <= last; piece += 1) {
          if (pieces.has(piece) && stateOf(piece) !== 'here') return true
        }
        return false
      }
      return asked.find(({ pieces }) => isAsked(pieces))?.priority
    },
    *missing() {
      for (const { priority, pieces } of asked) {
        for (const piece of pieces) {
          const state = stateOf(piece)
          if (state === 'here') pieces.delete(piece)
          else if (state === 'missing') yield { piece, priority }
        }
      }
    },
  }
}
