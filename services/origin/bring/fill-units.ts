import type { Readable } from 'node:stream'
import { type Backends, type OwnUrgency, type Urgency, urgency } from '../../../lib/backend/index.ts'
import { type Clock, type Random, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import { type BlobRef, type PieceMap, rangeLength, wholeRange } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import { firstPortion, type Held } from '../ring/holdings.ts'
import type { Siblings } from '../ring/siblings.ts'
import { readObject } from './backend-read.ts'
import { bringUnits, type UnitWork } from './bring-units.ts'
import { nextUnit, type PlannedUnit } from './ingest-plan.ts'
import type { Intake } from './intake.ts'
import type { IntakePart } from './intake-part.ts'
import type { IntakeSlot } from './intake-slot.ts'
import { restingReads } from './resting-reads.ts'
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
}

export interface Filling {
  readonly blob: BlobRef
  readonly slot: IntakeSlot
  /** What other origins have of the blob; all of them report the same length. */
  readonly held: readonly Held[]
  /** In which units the backend gives it; undefined when it is read front to back. */
  readonly units: BackendUnits | undefined
  readonly spare: SpareReads
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
}

/**
 * Reads what an open intake lacks, each byte once: what is asked for first, then the rest from the front; from an origin
 * that has it, else from the backend. An origin that fails is not asked again. `IngestRun` has decided before that no other
 * origin is to be followed. @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE, STORE_FULL, ABORTED
 */
export async function fillUnits(components: FillUnitsComponents, { held, ...filling }: Filling): Promise<void> {
  const { intake } = filling.slot
  if (intake === undefined) return
  const { spare, signal } = filling
  const way = unitWay(filling.units ?? {})
  let holders = held
  const window = unitWindow(intake.arrival)
  const hasRoom = (unit: PlannedUnit, running: number) => (way.isSingle ? running === 0 : window.hasRoom(unit, running))

  const reading = new Set<SourcedUnit>()
  const rests = restingReads(components.clock, intake)

  const plan = (running: number): SourcedUnit | undefined => {
    for (const each of reading) raiseAsAsked(intake, each, way)
    const unit = nextUnit(intake.arrival, { ...way.lengths, fill: true })
    if (unit === undefined || !hasRoom(unit, running) || rests.hold(unit.priority)) return undefined
    const isSpare = running > 0
    if (isSpare && !spare.take()) return undefined
    way.begun(unit)
    const { range, from } = portionOf(unit, holders, intake.partial.map)
    const end = window.begin(unit)
    return { ...unit, range, from, isSpare, end, part: intake.part(range), urgency: urgency(unit.priority) }
  }

  const readUnit = async (unit: SourcedUnit, { signal: stop, look }: UnitInit) => {
    const { part, from, isSpare } = unit
    const one = { ...filling, ...{ intake, part, way, look }, urgency: unit.urgency, signal: stop }
    reading.add(unit)
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

  await bringUnits({ intake, plan, read, signal })
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

interface Reading extends Omit<Filling, 'held' | 'units' | 'spare'> {
  readonly intake: Intake
  readonly part: IntakePart
  readonly urgency: Urgency
  readonly way: UnitWay
  readonly look: () => void
}

function readBackend(
  { backends, clock, random }: FillUnitsComponents,
  { blob, slot, intake, part, way, look, urgency, signal }: Reading,
): Promise<void> {
  const backend = backends.backendFor(blob.repository)
  /** The bytes of a server that ignores ranges are taken as they are. */
  const whole = async (body: Readable) => {
    if (way.isWhole) return
    way.ignored()
    await part.close()
    const before = slot.received
    try {
      await takeWhole(slot, intake, body)
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
      take: (body) => slot.take('backend', part, body),
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
  { blob, slot, intake, part, signal }: Reading,
  member: Member,
): Promise<boolean> {
  try {
    const { body } = await siblings.readHeld(member, blob, { range: part.range, signal })
    await slot.take('origin', part, body)
    return true
  } catch (err) {
    throwIfAborted(signal)
    if (intake.broken) throw err
    reportFailure(cluster, member, err)
    logger.info('failed to read what another origin has of a blob', { member: member.id, err })
    return false
  }
}
