import type { ByteRange } from '../../lib/core/index.ts'

/** Counts how often each byte of an object was sent; counts are never reset. */
export interface ByteCounts {
  add(range: ByteRange): void
  /** Bytes sent in all. */
  readonly total: number
  /** The smallest and the largest number of times that any byte was sent. */
  between(size: number): { readonly least: number; readonly most: number }
  /** Ranges sent, in the order of sending. */
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
