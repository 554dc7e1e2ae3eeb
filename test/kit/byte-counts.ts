import type { ByteRange } from '../../lib/core/index.ts'

/** How often each byte of an object was given out; what was given out before is not forgotten. */
export interface ByteCounts {
  add(range: ByteRange): void
  /** Bytes given out in all. */
  readonly total: number
  /** The fewest and the most times that a byte was given out. */
  between(size: number): { readonly least: number; readonly most: number }
  /** Ranges given out, as they came. */
  readonly ranges: readonly ByteRange[]
}

export function byteCounts(): ByteCounts {
  const ranges: ByteRange[] = []
  return {
    ranges,
    add(range) {
      if (range.end > range.start) ranges.push(range)
    },
    get total() {
      return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
    },
    between(size) {
      const edges = [
        { at: size, step: 0 },
        ...ranges.flatMap(({ start, end }) => [
          { at: start, step: 1 },
          { at: end, step: -1 },
        ]),
      ]
      let depth = 0
      let reached = 0
      const depths: number[] = []
      for (const { at, step } of edges.toSorted((a, b) => a.at - b.at)) {
        if (at > reached) depths.push(depth)
        reached = at
        depth += step
      }
      return { least: Math.min(...depths), most: Math.max(...depths) }
    },
  }
}
