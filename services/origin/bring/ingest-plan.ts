import type { ByteRange, PieceMap, ReadPriority } from '../../../lib/core/index.ts'
import type { Demand, PieceState } from './demand.ts'

/** What a plan goes by. */
export interface Arrival {
  readonly map: PieceMap
  readonly demand: Demand
  /** No piece before this one is missing. */
  readonly front: number
  stateOf(piece: number): PieceState
}

export interface PlanRules {
  /**
   * Bytes of one ingest unit; units lie one after the other from the front of the blob. Infinity: what is missing is
   * read in one go, front to back.
   */
  readonly unitBytes: number
  /** Whether what nobody asked for is read, too. */
  readonly fill: boolean
}

/** What is read next in one request: whole pieces that are missing, within one unit. */
export interface PlannedUnit {
  readonly range: ByteRange
  readonly priority: ReadPriority
  /** Somebody asked for it, and it does not only complete the blob. */
  readonly isAsked: boolean
}

/**
 * The next unit to read: that of the piece that is asked for most urgently, and the longest; when nothing is asked for,
 * the first that lacks something. Undefined when there is nothing to read now.
 */
export function nextUnit(arrival: Arrival, rules: PlanRules): PlannedUnit | undefined {
  return askedUnit(arrival, rules.unitBytes) ?? (rules.fill ? fillUnit(arrival, rules.unitBytes) : undefined)
}

/** The unit of the piece that is asked for most urgently, of those that `isOpen` lets through. */
export function askedUnit(
  arrival: Arrival,
  unitBytes: number,
  isOpen: (piece: number) => boolean = () => true,
): PlannedUnit | undefined {
  for (const { piece, priority } of arrival.demand.missing()) {
    if (isOpen(piece)) return { range: missingAround(arrival, piece, unitBytes), priority, isAsked: true }
  }
  return undefined
}

/** The first unit that lacks something. */
export function fillUnit(arrival: Arrival, unitBytes: number): PlannedUnit | undefined {
  const { map, front } = arrival
  for (let piece = front; piece < map.count; piece += 1) {
    if (arrival.stateOf(piece) !== 'missing') continue
    return { range: missingAround(arrival, piece, unitBytes), priority: 'fill', isAsked: false }
  }
  return undefined
}

/** The missing pieces around a missing one, as far as its unit goes. */
function missingAround(arrival: Arrival, piece: number, unitBytes: number): ByteRange {
  const { map } = arrival
  const isMissing = (each: number) => arrival.stateOf(each) === 'missing'
  const perUnit = Math.max(1, Math.min(map.count, Math.floor(unitBytes / map.pieceLength)))
  const unitStart = piece - (piece % perUnit)
  const unitEnd = Math.min(map.count, unitStart + perUnit)
  let first = piece
  while (first > unitStart && isMissing(first - 1)) first -= 1
  let next = piece + 1
  while (next < unitEnd && isMissing(next)) next += 1
  return { start: map.rangeOf(first).start, end: map.rangeOf(next - 1).end }
}
