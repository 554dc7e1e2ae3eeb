import { type Backends, type OwnUrgency, type Urgency, urgency } from '../../../lib/backend/index.ts'
import { type Clock, type Random, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import { type BlobRef, type PieceMap, rangeLength } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import { firstPortion, type Held } from '../ring/holdings.ts'
import type { Siblings } from '../ring/siblings.ts'
import { readObject } from './backend-read.ts'
import { bringUnits } from './bring-units.ts'
import type { FillPace } from './fill-pace.ts'
import { type FillTurns, fillTurns } from './fill-turns.ts'
import type { Holds } from './holds.ts'
import { nextUnit, type PlannedUnit } from './ingest-plan.ts'
import type { Intake } from './intake.ts'
import type { IntakePart } from './intake-part.ts'
import type { IntakeSlot } from './intake-slot.ts'
import { restingReads } from './resting-reads.ts'
import type { SpareReads } from './spare-reads.ts'
import { unitWindow } from './unit-window.ts'

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
  /** Bytes of a unit of the backend; undefined when it is read front to back. */
  readonly unitBytes: number | undefined
  readonly spare: SpareReads
  readonly holds: Holds
  readonly signal: AbortSignal
}

/** A unit, or the front of one, that one source gives. */
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
  const { unitBytes = Number.POSITIVE_INFINITY, spare, holds, signal } = filling
  const { fill } = components
  const inUnits = Number.isFinite(unitBytes)
  let holders = held
  const window = unitWindow(intake.arrival)
  const hasRoom = (unit: PlannedUnit, running: number) => (inUnits ? window.hasRoom(unit, running) : running === 0)

  const reading = new Map<SourcedUnit, FillTurns | undefined>()
  const rests = restingReads(components.clock, intake, holds)
  /** A unit waits for the rate of the fill. Nobody stands behind it. */
  const isSlow = () => fill.isLimited && [...reading.keys()].some(({ isFill }) => isFill)

  const plan = (running: number): SourcedUnit | undefined => {
    for (const [unit, turns] of reading) {
      raiseAsAsked(intake, unit)
      turns?.look()
    }
    if (holds.over) return undefined
    const unit = nextUnit(intake.arrival, { unitBytes, fill: holds.whole || fill.fills })
    if (unit === undefined || rests.hold(unit.priority)) return undefined
    const isFill = !unit.isAsked && !holds.whole
    const before = isSlow() ? 1 : 0
    if (isFill && before > 0) return undefined
    const beside = inUnits ? running - before : running
    if (!hasRoom(unit, beside)) return undefined
    const isSpare = beside > 0
    if (isSpare && !spare.take()) return undefined
    const { range, from } = portionOf(unit, holders, intake.partial.map)
    const [part, end] = [intake.part(range), window.begin(unit)]
    return { ...unit, range, from, isSpare, isFill, part, end, urgency: urgency(unit.priority) }
  }

  /** How the bytes of a unit come; undefined: as fast as they can. */
  const turnsOf = (unit: SourcedUnit, stop: AbortSignal) => {
    if (inUnits ? !unit.isFill : !fill.isLimited) return undefined
    const isAsked = inUnits ? () => isWanted(intake, unit.part) : askedOfBlob(intake, unit.part)
    return fillTurns(fill, { isAsked: () => holds.whole || isAsked(), signal: stop })
  }

  const readUnit = async (unit: SourcedUnit, stop: AbortSignal) => {
    const { part, from, isSpare } = unit
    const turns = turnsOf(unit, stop)
    const one = { ...filling, intake, part, turns, urgency: unit.urgency, signal: stop }
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

  const read = (unit: SourcedUnit, stop: AbortSignal) =>
    readUnit(unit, stop).catch((err: unknown) => rests.after(err, unit.urgency.priority, stop))

  await bringUnits({ intake, holds, plan, read, isSoonDone: inUnits, signal })
}

/** Whether somebody asked for what a part still brings. */
function isWanted({ arrival, partial }: Intake, part: IntakePart): boolean {
  if (part.offset >= part.range.end) return false
  const { first, last } = partial.map.covering({ start: part.offset, end: part.range.end })
  return arrival.demand.priorityOf(first, last) !== undefined
}

/** Whether somebody asked for anything of the blob that a single part brings; looks again with each piece of it. */
function askedOfBlob({ arrival, partial: { map } }: Intake, part: IntakePart): () => boolean {
  let seen = -1
  let isAsked = false
  return () => {
    const piece = map.pieceAt(Math.min(part.offset, map.length - 1))
    if (piece !== seen || !isAsked) isAsked = arrival.demand.priorityOf(0, map.count - 1) !== undefined
    seen = piece
    return isAsked
  }
}

/** Somebody may have asked meanwhile for what a unit brings. */
function raiseAsAsked(intake: Intake, { part, urgency }: SourcedUnit): void {
  if (part.offset >= part.range.end) return
  const { first, last } = intake.partial.map.covering({ start: part.offset, end: part.range.end })
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

interface Reading extends Omit<Filling, 'held' | 'unitBytes' | 'spare' | 'holds'> {
  readonly intake: Intake
  readonly part: IntakePart
  readonly urgency: Urgency
  readonly turns: FillTurns | undefined
}

function readBackend(
  { backends, clock, random }: FillUnitsComponents,
  { blob, slot, intake, part, turns, urgency, signal }: Reading,
): Promise<void> {
  const backend = backends.backendFor(blob.repository)
  return readObject(
    { backend, clock, random },
    {
      key: blobKey(blob.digest),
      as: blob.as,
      size: intake.partial.map.length,
      range: part.range,
      take: (body) => slot.take('backend', part, body, turns),
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
