import { hashPiece } from '../../../metainfo/index.ts'
import { giversOf, type SealedPiece } from './piece-job.ts'

interface Evidence {
  readonly offset: number
  readonly length: number
  readonly givenBy: string
  readonly hash: Uint8Array
}

/** What a group of peers gave for a piece. */
interface Testimony {
  readonly givers: ReadonlySet<string>
  /** SHA-256 of the whole. */
  readonly hash: Uint8Array
  readonly blocks: readonly Evidence[]
}

export interface Accusation {
  /** The only peer that gave it; undefined when there were several. */
  readonly only: string | undefined
  /** Independent peers gave the very same bytes before, so the hash may be wrong. */
  readonly agreed: boolean
}

/**
 * Finds out who sent wrong bytes. The blocks of a bad piece are kept as hashes, and the piece is fetched again from one
 * other peer, until it is right. Then every peer whose block differs from the good one is convicted, and the innocent
 * peers of the same piece go free. Before that nobody is convicted, because the hash may be a lie.
 */
export interface Suspects {
  /**
   * Takes a piece that did not match its hash, and the hash of its bytes. When the hashes are `trusted`, the only giver
   * of a whole piece is convicted at once, and nothing is kept.
   */
  accuse(sealed: SealedPiece, hash: Uint8Array, trusted: boolean): Accusation
  /** Takes a piece that matched its hash; returns who is convicted by it. */
  judge(piece: number, good: Uint8Array): readonly string[]
  /** Call it when the hashes can be trusted: returns who gave a whole piece that does not match. */
  judgeAll(): readonly string[]
  /** True when the piece must be fetched whole from one peer. */
  has(piece: number): boolean
}

export function suspects(): Suspects {
  const cases = new Map<number, readonly Testimony[]>()
  return {
    accuse(sealed, hash, trusted) {
      const testimony = testimonyOf(sealed, hash)
      const { piece } = sealed.job
      const [only] = testimony.givers.size === 1 ? testimony.givers : []
      if (trusted && only !== undefined) return { only, agreed: false }
      const before = cases.get(piece) ?? []
      cases.set(piece, [...before.filter(({ givers }) => !isSame(givers, testimony.givers)), testimony])
      return { only, agreed: before.some((other) => agree(other, testimony)) }
    },
    judge(piece, good) {
      const testimonies = cases.get(piece) ?? []
      cases.delete(piece)
      const wrong = testimonies
        .flatMap(({ blocks }) => blocks)
        .filter(
          ({ offset, length, hash }) => Buffer.compare(hashPiece(good.subarray(offset, offset + length)), hash) !== 0,
        )
      return [...new Set(wrong.map(({ givenBy }) => givenBy))]
    },
    judgeAll() {
      const alone = [...cases.values()].flat().filter(({ givers }) => givers.size === 1)
      return [...new Set(alone.flatMap(({ givers }) => [...givers]))]
    },
    has: (piece) => cases.has(piece),
  }
}

function testimonyOf({ job, bytes }: SealedPiece, hash: Uint8Array): Testimony {
  const blocks = job.blocks.map(({ offset, length, givenBy }) => ({
    offset,
    length,
    givenBy: givenBy ?? '',
    hash: hashPiece(bytes.subarray(offset, offset + length)),
  }))
  return { givers: giversOf(job), hash, blocks }
}

/** True when two groups without a common peer gave the same bytes. */
function agree(a: Testimony, b: Testimony): boolean {
  return Buffer.compare(a.hash, b.hash) === 0 && [...a.givers].every((giver) => !b.givers.has(giver))
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((giver) => b.has(giver))
}
