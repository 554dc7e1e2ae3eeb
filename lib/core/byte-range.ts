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

/** The same bytes in as few ranges as possible: ascending, with gaps between them. */
export function joinedRanges(ranges: Iterable<ByteRange>): readonly ByteRange[] {
  const joined: ByteRange[] = []
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1)
    if (range.end <= range.start) continue
    if (last === undefined || range.start > last.end) joined.push(range)
    else if (range.end > last.end) joined[joined.length - 1] = { start: last.start, end: range.end }
  }
  return joined
}

/** Whether each byte of `inner` is in one of `outer`; both are joined. */
export function coversRanges(outer: readonly ByteRange[], inner: readonly ByteRange[]): boolean {
  return inner.every(({ start, end }) => outer.some((range) => range.start <= start && end <= range.end))
}
