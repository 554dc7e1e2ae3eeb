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
  /** Bytes of units that lie side by side and are read in one request, at most; default: one unit. */
  readonly runBytes?: number | undefined
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

/** A unit, with those that follow it in the same request. */
export interface PlannedRun extends PlannedUnit {
  /** It does not begin at the front, and what is right before it is missing: whoever asks for it does not read on. */
  readonly isApart: boolean
}

/** What is left of a blob is divided among several reads: so the last of them is a short one. */
const SHARES_OF_REST = 4

/**
 * What is read next: the unit of the piece that is asked for most urgently, and the longest; when nothing is asked for,
 * the first that lacks something. Units that follow join it, up to as many bytes as are here or come right before it: who
 * reads on is read for far ahead, and who reads here and there costs one unit. So a blob never costs more requests than it
 * has units. Undefined when there is nothing to read now.
 */
export function nextUnit(arrival: Arrival, rules: PlanRules): PlannedRun | undefined {
  const unit = askedUnit(arrival, rules.unitBytes) ?? (rules.fill ? fillUnit(arrival, rules.unitBytes) : undefined)
  return unit && runFrom(arrival, unit, rules)
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

const piecesPerUnit = (map: PieceMap, unitBytes: number): number =>
  Math.max(1, Math.min(map.count, Math.floor(unitBytes / map.pieceLength)))

function runFrom(
  arrival: Arrival,
  unit: PlannedUnit,
  { unitBytes, runBytes = unitBytes }: Pick<PlanRules, 'unitBytes' | 'runBytes'>,
): PlannedRun {
  const { map } = arrival
  const { start } = unit.range
  const before = bytesBefore(arrival, start, Math.max(1, runBytes))
  const most = Math.min(runBytes, before, (map.length - start) / SHARES_OF_REST)
  let { end } = unit.range
  for (;;) {
    const next = wholeUnitAt(arrival, end, unitBytes)
    if (next === undefined || next.end - start > most) break
    end = next.end
  }
  return { ...unit, range: { start, end }, isApart: start > 0 && before === 0 }
}

/** Bytes right before `at` that are here or come; counted no further than to `enough`. */
function bytesBefore(arrival: Arrival, at: number, enough: number): number {
  const { map } = arrival
  let piece = map.pieceAt(at)
  const bytes = () => at - map.rangeOf(piece).start
  while (piece > 0 && bytes() < enough && arrival.stateOf(piece - 1) !== 'missing') piece -= 1
  return bytes()
}

/** The unit that begins at `at`, if all of it is missing. */
function wholeUnitAt(arrival: Arrival, at: number, unitBytes: number): ByteRange | undefined {
  const { map } = arrival
  if (at >= map.length) return undefined
  const perUnit = piecesPerUnit(map, unitBytes)
  const first = map.pieceAt(at)
  if (first % perUnit !== 0 || arrival.stateOf(first) !== 'missing') return undefined
  const found = missingAround(arrival, first, unitBytes)
  return found.end === map.rangeOf(Math.min(map.count, first + perUnit) - 1).end ? found : undefined
}

/** The missing pieces around a missing one, as far as its unit goes. */
function missingAround(arrival: Arrival, piece: number, unitBytes: number): ByteRange {
  const { map } = arrival
  const isMissing = (each: number) => arrival.stateOf(each) === 'missing'
  const perUnit = piecesPerUnit(map, unitBytes)
  const unitStart = piece - (piece % perUnit)
  const unitEnd = Math.min(map.count, unitStart + perUnit)
  let first = piece
  while (first > unitStart && isMissing(first - 1)) first -= 1
  let next = piece + 1
  while (next < unitEnd && isMissing(next)) next += 1
  return { start: map.rangeOf(first).start, end: map.rangeOf(next - 1).end }
}
