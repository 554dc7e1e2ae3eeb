import { type ByteRange, joinedRanges, type PieceMap, type ReadPriority, readPriorities } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { WantedSpan } from '../../picker/index.ts'

/** What an origin is asked to bring, by priority; ascending, with gaps between the ranges. */
export type WantedRanges = Readonly<Record<ReadPriority, readonly ByteRange[]>>

export const nothingWanted: WantedRanges = { onDemand: [], prefetch: [], fill: [] }

export interface WantedRangesInit {
  readonly map: PieceMap
  /** The hash of the piece is known, so that peers can be asked for it: then nobody need be told. */
  readonly isKnown: (piece: number) => boolean
  readonly limits: Pick<SwarmLimits, 'maxWantRanges' | 'maxWantBytes'>
  /** The part of the bytes of one message that is meant. */
  readonly share: number
}

/**
 * The pieces of these spans that cannot be asked for yet, each at its highest priority, within the limits of one message;
 * of spans with the same priority, the first ones come first.
 */
export function wantedRanges(
  spans: readonly WantedSpan[],
  { map, isKnown, limits, share }: WantedRangesInit,
): WantedRanges {
  const seen = new Set<number>()
  const wanted: Record<ReadPriority, readonly ByteRange[]> = { ...nothingWanted }
  for (const priority of readPriorities) {
    const ranges: ByteRange[] = []
    let bytes = 0
    for (const piece of piecesOf(spans, priority, map)) {
      if (seen.has(piece) || isKnown(piece)) continue
      seen.add(piece)
      bytes += map.sizeOf(piece)
      if (bytes > share * limits.maxWantBytes) break
      ranges.push(map.rangeOf(piece))
    }
    wanted[priority] = joinedRanges(ranges).slice(0, limits.maxWantRanges)
  }
  return wanted
}

function* piecesOf(spans: readonly WantedSpan[], priority: ReadPriority, map: PieceMap): Generator<number> {
  for (const { range, priority: own } of spans) {
    if (own !== priority) continue
    const { first, last } = map.covering({ start: range.start, end: Math.min(range.end, map.length) })
    for (let piece = first; piece <= last; piece += 1) yield piece
  }
}
