import type { ByteRange } from './byte-range.ts'

const LEAST = 256 * 1024
/** The longest piece of any blob, bytes. */
export const MAX_PIECE_LENGTH = 1024 * 1024
/** Pieces of a blob, at most, while its piece length is between the bounds: enough for many peers to exchange. */
const MOST_PIECES = 128

/** Piece length in bytes for a blob of this length; a longer blob never has a shorter one. */
export type PieceRule = (length: number) => number

/** The rule with these bounds: the next power of two of length/`pieces`, but at least `least` and at most `most`. */
export function pieceRule({
  least,
  most,
  pieces,
}: {
  readonly least: number
  readonly most: number
  readonly pieces: number
}): PieceRule {
  return (length) => {
    let size = least
    while (size < length / pieces && size < most) size *= 2
    return size
  }
}

/**
 * Piece length in bytes for a blob of this length, fixed by protocol version 2: the next power of two of length/128,
 * but at least 256 KiB and at most 1 MiB (docs/decisions/0024-unit-of-verification.md).
 */
export const pieceLengthFor: PieceRule = pieceRule({ least: LEAST, most: MAX_PIECE_LENGTH, pieces: MOST_PIECES })

/** What is known about the length of a blob before its end, bytes; both bounds are lengths that it may have. */
export interface LengthBounds {
  readonly least: number
  /** May be infinite. */
  readonly most: number
}

/** The piece lengths that a blob whose length is between these bounds may have, the shortest first. */
export function pieceLengthsWithin({ least, most }: LengthBounds, rule: PieceRule = pieceLengthFor): readonly number[] {
  const last = rule(most)
  const lengths = []
  for (let length = rule(least); length <= last; length *= 2) lengths.push(length)
  return lengths
}

/** How a blob of `length` bytes is cut into pieces: `count` pieces of `pieceLength`, where the last may be shorter. */
export class PieceMap {
  readonly length: number
  readonly pieceLength: number
  readonly count: number

  constructor(length: number, pieceLength: number = pieceLengthFor(length)) {
    this.length = length
    this.pieceLength = pieceLength
    this.count = Math.ceil(length / pieceLength)
  }

  /** The bytes of one piece within the blob. */
  rangeOf(piece: number): ByteRange {
    const start = piece * this.pieceLength
    return { start, end: Math.min(this.length, start + this.pieceLength) }
  }

  sizeOf(piece: number): number {
    const { start, end } = this.rangeOf(piece)
    return Math.max(0, end - start)
  }

  /** The piece that contains the byte at `offset`. */
  pieceAt(offset: number): number {
    return Math.floor(offset / this.pieceLength)
  }

  /** First and last piece that overlap `range`; for an empty range `last < first`. */
  covering(range: ByteRange): { readonly first: number; readonly last: number } {
    return { first: this.pieceAt(range.start), last: range.end <= range.start ? -1 : this.pieceAt(range.end - 1) }
  }
}
