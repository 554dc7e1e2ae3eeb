import type { Readable } from 'node:stream'
import { type Backends, type OwnUrgency, type Urgency, urgency } from '../../../lib/backend/index.ts'
import { type Clock, type Random, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import { type BlobRef, type ByteRange, type PieceMap, rangeLength, wholeRange } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import { firstPortion, type Held } from '../ring/holdings.ts'
import type { Siblings } from '../ring/siblings.ts'
import { readObject } from './backend-read.ts'
import { bringUnits, type UnitWork } from './bring-units.ts'
import type { FillPace } from './fill-pace.ts'
import { type FillTurns, fillTurns } from './fill-turns.ts'
import type { Holds } from './holds.ts'
import { nextUnit, type PlannedUnit, type PlanRules } from './ingest-plan.ts'
import type { Intake } from './intake.ts'
import type { IntakePart } from './intake-part.ts'
import type { IntakeSlot } from './intake-slot.ts'
import { restingReads } from './resting-reads.ts'
import type { RunReads } from './run-reads.ts'
import type { SpareReads } from './spare-reads.ts'
import { type BackendUnits, type UnitWay, unitWay } from './unit-way.ts'
import { unitWindow } from './unit-window.ts'
import { takeWhole } from './whole-answer.ts'

export interface FillUnitsComponents {
  readonly backends: Pick<Backends, 'backendFor'>
  readonly cluster: Cluster
  readonly siblings: Siblings
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  readonly fill: FillPace
}

export interface Filling {
  readonly blob: BlobRef
  readonly slot: IntakeSlot
  /** What other origins have of the blob; all of them report the same length. */
  readonly held: readonly Held[]
  /** In which units the backend gives it; undefined when it is read front to back. */
  readonly units: BackendUnits | undefined
  readonly spare: SpareReads
  readonly holds: Holds
  readonly reads: RunReads
  readonly signal: AbortSignal
}

/** A run of units, or the front of one, that one source gives. */
interface SourcedUnit extends PlannedUnit {
  readonly part: IntakePart
  /** Undefined: the backend. */
  readonly from: Member | undefined
  /** It is read beside others. */
  readonly isSpare: boolean
  readonly urgency: OwnUrgency
  /** Call when it has ended. */
  readonly end: () => void
  /** Nobody had asked for it when it began. */
  readonly isFill: boolean
}

/**
 * Reads what an open intake lacks, each byte once: what is asked for first, then the rest from the front, when somebody wants
 * the whole, or as `FillPace` lets it; from an origin that has it, else from the backend. An origin that fails is not asked
 * again. Returns also when nobody wants the blob any more. `IngestRun` has decided before that no other origin is to be
 * followed. @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE, STORE_FULL, ABORTED
 */
export async function fillUnits(components: FillUnitsComponents, { held, ...filling }: Filling): Promise<void> {
  const { intake } = filling.slot
  if (intake === undefined) return
  const { spare, holds, reads, signal } = filling
  const { fill } = components
  const way = unitWay(filling.units ?? {})
  let holders = held
  const window = unitWindow()
  const hasRoom = (unit: PlannedUnit, running: number) => (way.isSingle ? running === 0 : window.hasRoom(unit, running))

  const reading = new Map<SourcedUnit, FillTurns>()
  const rests = restingReads({ clock: components.clock, reads }, intake, holds)
  const rules = fillRules({ intake, way, holds, fill })
  /** A unit waits for the rate of the fill. Nobody stands behind it. */
  const isSlow = () => fill.isLimited && !way.isSingle && [...reading.keys()].some(({ isFill }) => isFill)

  const plan = (running: number): SourcedUnit | undefined => {
    for (const [each, turns] of reading) {
      raiseAsAsked(intake, each, way)
      turns.look()
    }
    const unit = holds.over ? undefined : nextUnit(intake.arrival, rules())
    if (unit === undefined || rests.hold(unit.priority)) return undefined
    const isFill = !unit.isAsked && !holds.whole
    if (isFill && isSlow()) return undefined
    const beside = running - (isSlow() ? 1 : 0)
    if (!hasRoom(unit, beside)) return undefined
    const isSpare = beside > 0
    if (isSpare && !spare.take()) return undefined
    way.begun(unit)
    const { range, from } = portionOf(unit, holders, intake.partial.map)
    const [part, end] = [intake.part(range), window.begin(unit)]
    return { ...unit, range, from, isSpare, isFill, part, end, urgency: urgency(unit.priority) }
  }

  const readUnit = async (unit: SourcedUnit, { signal: stop, look }: UnitInit) => {
    const { part, from, isSpare } = unit
    const isAsked = askedOf({ intake, way, holds, fill }, unit, filling.slot)
    const turns = fillTurns(fill, { isAsked, reads, signal: stop })
    const one = { ...filling, ...{ intake, part, way, turns, look }, urgency: unit.urgency, signal: stop }
    reading.set(unit, turns)
    try {
      if (from === undefined) await readBackend(components, one)
      else if (!(await readHeld(components, one, from))) {
        holders = holders.filter(({ member }) => member.id !== from.id)
      }
    } finally {
      unit.end()
      reading.delete(unit)
      await part.close()
      if (isSpare) spare.give()
    }
  }

  const read = (unit: SourcedUnit, init: UnitInit) =>
    readUnit(unit, init).catch((err: unknown) => rests.after(err, unit.urgency.priority, init.signal))

  await bringUnits({ intake, holds, reads, plan, read, isSoonDone: () => isInUnits(way), signal })
}

interface FillState {
  readonly intake: Intake
  readonly way: UnitWay
  readonly holds: Holds
  readonly fill: FillPace
}

const isInUnits = ({ lengths }: UnitWay) => Number.isFinite(lengths.unitBytes)

/** Where the fill is limited, no unit that nobody asked for joins another. */
function fillRules({ intake, way, holds, fill }: FillState): () => PlanRules {
  const isAsked = (range: ByteRange) => isWanted(intake, range)
  return () => ({
    ...way.lengths,
    fill: holds.whole || fill.fills,
    ...(fill.isLimited && !holds.whole && { mayJoin: isAsked }),
  })
}

/**
 * Whether somebody asked for what a read still brings; of one that brings a blob front to back, for anything of the blob, as
 * it is looked up again with each piece.
 */
function askedOf(
  { intake, way, holds, fill }: FillState,
  { part, isFill }: SourcedUnit,
  slot: Pick<IntakeSlot, 'received'>,
): () => boolean {
  const { map } = intake.partial
  let [seen, isAsked] = [-1, false]
  return () => {
    if (holds.whole) return true
    if (isInUnits(way)) return !isFill || isWanted(intake, { start: part.offset, end: part.range.end })
    if (!fill.isLimited) return true
    const piece = Math.floor(slot.received / map.pieceLength)
    if (piece !== seen || !isAsked) isAsked = isWanted(intake, wholeRange(map.length))
    seen = piece
    return isAsked
  }
}

/** Whether somebody asked for what is not here of a range. */
function isWanted({ arrival }: Intake, range: ByteRange): boolean {
  if (rangeLength(range) <= 0) return false
  const { first, last } = arrival.map.covering(range)
  return arrival.demand.priorityOf(first, last) !== undefined
}

type UnitInit = Parameters<UnitWork<SourcedUnit>['read']>[1]

/** Somebody may have asked meanwhile for what a unit brings. */
function raiseAsAsked(intake: Intake, { part, urgency }: SourcedUnit, { isWhole }: UnitWay): void {
  const { map } = intake.partial
  const coming = isWhole ? wholeRange(map.length) : { start: part.offset, end: part.range.end }
  if (rangeLength(coming) === 0) return
  const { first, last } = map.covering(coming)
  const asked = intake.arrival.demand.priorityOf(first, last)
  if (asked !== undefined) urgency.raise(asked)
}

/** The front of a unit that one source gives; it ends where a piece ends. */
function portionOf({ range }: PlannedUnit, holders: readonly Held[], map: PieceMap) {
  const portion = firstPortion(range, holders)
  const end = portion.range.end === map.length ? map.length : map.rangeOf(map.pieceAt(portion.range.end)).start
  const whole = { start: range.start, end }
  // Of an origin with other pieces, less than one may be left.
  return rangeLength(whole) > 0 ? { range: whole, from: portion.from } : { range, from: undefined }
}

interface Reading extends Omit<Filling, 'held' | 'units' | 'spare' | 'holds'> {
  readonly intake: Intake
  readonly part: IntakePart
  readonly urgency: Urgency
  readonly way: UnitWay
  readonly turns: FillTurns
  readonly look: () => void
}

function readBackend(
  { backends, clock, random }: FillUnitsComponents,
  { blob, slot, intake, part, way, turns, look, urgency, signal }: Reading,
): Promise<void> {
  const backend = backends.backendFor(blob.repository)
  /** The bytes of a server that ignores ranges are taken as they are. */
  const whole = async (body: Readable) => {
    if (way.isWhole) return
    way.ignored()
    await part.close()
    const before = slot.received
    try {
      await takeWhole(slot, intake, body, turns)
    } catch (err) {
      throwIfAborted(signal)
      // What it has brought stays, and the rest is read like any rest.
      if (intake.broken || slot.received === before) throw err
    }
  }
  return readObject(
    { backend, clock, random },
    {
      key: blobKey(blob.digest),
      as: blob.as,
      size: intake.partial.map.length,
      range: part.range,
      take: (body) => slot.take('backend', part, body, turns),
      takeWhole: way.lengths.unitBytes === Number.POSITIVE_INFINITY ? undefined : whole,
      onAnswer() {
        way.proven()
        look()
      },
      offset: () => part.offset,
      urgency,
      signal,
    },
  )
}

/** False when the member could not give the whole range. */
async function readHeld(
  { siblings, cluster, logger }: FillUnitsComponents,
  { blob, slot, intake, part, turns, signal }: Reading,
  member: Member,
): Promise<boolean> {
  try {
    const { body } = await siblings.readHeld(member, blob, { range: part.range, signal })
    await slot.take('origin', part, body, turns)
    return true
  } catch (err) {
    throwIfAborted(signal)
    if (intake.broken) throw err
    reportFailure(cluster, member, err)
    logger.info('failed to read what another origin has of a blob', { member: member.id, err })
    return false
  }
}
