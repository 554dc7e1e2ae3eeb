/** Bytes from `start` (inclusive) to `end` (exclusive); never empty unless the content is. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export function rangeLength(range: ByteRange): number {
  return range.end - range.start
}

/** The whole of a content of `length` bytes. */
export function wholeRange(length: number): ByteRange {
  return { start: 0, end: length }
}
