/** Bytes from `start` (inclusive) to `end` (exclusive); empty only for empty content. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export function rangeLength(range: ByteRange): number {
  return range.end - range.start
}

/** The range of all bytes of content with `length` bytes. */
export function wholeRange(length: number): ByteRange {
  return { start: 0, end: length }
}
