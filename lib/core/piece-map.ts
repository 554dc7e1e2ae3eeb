import type { ByteRange } from './byte-range.ts'

const MIB = 1024 * 1024

/**
 * Piece length in bytes for a blob of this length, fixed by protocol version 1: the next power of two of length/1000,
 * but at least 1 MiB and at most 4 MiB.
 */
export function pieceLengthFor(length: number): number {
  let size = MIB
  while (size < length / 1000 && size < 4 * MIB) size *= 2
  return size
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
