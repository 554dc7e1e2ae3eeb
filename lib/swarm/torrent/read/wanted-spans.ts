import { type ByteRange, type PieceMap, rangeLength } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import { aheadBytes, type WantedSpan } from '../../picker/index.ts'
import type { Demand } from '../shared/demand.ts'

export interface WantedSpansInit {
  readonly map: PieceMap
  readonly limits: Pick<SwarmLimits, 'minAheadBytes' | 'maxAheadBytes' | 'aheadMs'>
  /** What follows the ranges of clients that read in sequence. */
  readonly ahead: readonly WantedSpan[]
  /** What nobody reads is wanted, too. */
  readonly fills: boolean
  /** The part of what is ahead of each reader that is meant; above 0 and at most 1. */
  readonly share: number
}

/** What is wanted of a blob now: the next bytes of each reader, those that follow soon, and perhaps the rest. */
export function wantedSpans(demands: Iterable<Demand>, init: WantedSpansInit): readonly WantedSpan[] {
  const { map, limits, ahead, fills, share } = init
  const [spans, later]: [WantedSpan[], WantedSpan[]] = [[], []]
  for (const { start, next, end, priority, later: ranges } of demands) {
    const reach = next + share * aheadBytes(next - start, limits)
    spans.push({ range: { start: next, end: Math.min(end, reach) }, priority })
    for (const range of firstOf(ranges, share * limits.maxAheadBytes)) later.push({ range, priority })
  }
  spans.push(...later)
  for (const { range, priority } of ahead) {
    const { start, end } = range
    spans.push({ range: { start, end: start + share * (end - start) }, priority })
  }
  if (fills) spans.push({ range: { start: 0, end: map.length }, priority: 'fill' })
  return spans
}

/** The first of these ranges, until they are so many bytes. */
function firstOf(ranges: readonly ByteRange[], bytes: number): readonly ByteRange[] {
  let sum = 0
  return ranges.filter((range) => {
    const fits = sum < bytes
    sum += rangeLength(range)
    return fits
  })
}
