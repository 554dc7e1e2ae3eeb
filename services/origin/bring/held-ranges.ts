import type { ByteRange } from '../../../lib/core/index.ts'
import type { PartialBlob } from '../../../lib/store/index.ts'

/** The pieces of a partial blob as ranges; neighbours are joined. */
export function heldRanges({ map, have }: PartialBlob): readonly ByteRange[] {
  const ranges: ByteRange[] = []
  for (const piece of have) {
    const { start, end } = map.rangeOf(piece)
    const before = ranges.at(-1)
    if (before?.end === start) ranges[ranges.length - 1] = { start: before.start, end }
    else ranges.push({ start, end })
  }
  return ranges
}
