import { hashPiece } from '../../metainfo/index.ts'
import { giversOf, type PieceJob } from './piece-job.ts'

interface Evidence {
  readonly offset: number
  readonly length: number
  readonly givenBy: string
  readonly hash: Uint8Array
}

/**
 * Who sent wrong bytes. A bad piece with one giver convicts it. With several, the hash of each block is kept and the
 * piece is fetched again whole from one peer; the blocks that differ from the good piece convict their givers, and the
 * innocent ones of the same piece go free.
 */
export interface Suspects {
  /** Takes a piece that did not match its hash; returns who is convicted at once. */
  accuse(job: PieceJob, bytes: Uint8Array): readonly string[]
  /** Takes a piece that did; returns who is convicted by it. */
  judge(piece: number, good: Uint8Array): readonly string[]
  /** The piece is to be fetched whole from one peer. */
  has(piece: number): boolean
}

export function suspects(): Suspects {
  const cases = new Map<number, readonly Evidence[]>()
  return {
    accuse(job, bytes) {
      const givers = [...giversOf(job)]
      if (givers.length <= 1) return givers
      cases.set(
        job.piece,
        job.blocks.map(({ offset, length, givenBy }) => ({
          offset,
          length,
          givenBy: givenBy ?? '',
          hash: hashPiece(bytes.subarray(offset, offset + length)),
        })),
      )
      return []
    },
    judge(piece, good) {
      const evidence = cases.get(piece)
      if (evidence === undefined) return []
      cases.delete(piece)
      const wrong = evidence.filter(
        ({ offset, length, hash }) => Buffer.compare(hashPiece(good.subarray(offset, offset + length)), hash) !== 0,
      )
      return [...new Set(wrong.map(({ givenBy }) => givenBy))]
    },
    has: (piece) => cases.has(piece),
  }
}
