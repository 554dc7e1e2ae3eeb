import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { AskedRange } from '../../../lib/api/index.ts'
import { abortController, anySignal, appError, onAbort, throwIfAborted } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import type { BlobRef, ReadPriority } from '../../../lib/core/index.ts'
import type { SiblingBlob, Siblings } from '../ring/siblings.ts'
import { bringUnits } from './bring-units.ts'
import type { FillPace } from './fill-pace.ts'
import type { Holds } from './holds.ts'
import { askedUnit, fillUnit, type PlannedUnit } from './ingest-plan.ts'
import type { Intake } from './intake.ts'
import type { IntakePart } from './intake-part.ts'
import type { IntakeSlot } from './intake-slot.ts'
import type { RunReads } from './run-reads.ts'

export interface Following {
  readonly siblings: Pick<Siblings, 'read' | 'size'>
  readonly member: Member
  readonly blob: BlobRef
  readonly slot: IntakeSlot
  readonly holds: Holds
  readonly fill: FillPace
  readonly reads: RunReads
  readonly signal: AbortSignal
}

/** What somebody waits for is asked of the other origin in such units, beside the stream of the rest: short, as it asks nobody's quota. */
const UNIT_BYTES = 1024 * 1024
/** Reads at a time: the stream, and units beside it. */
const READS_AT_ONCE = 4
/** What the stream is about to bring is not asked for beside it. */
const NEAR_BYTES = 8 * 1024 * 1024

interface FollowedUnit extends PlannedUnit {
  readonly part: IntakePart
}

/**
 * Whether the whole is read from the other origin, which then reads it all from the backend. Where the fill has a rate, that
 * origin alone keeps to it, and this one reads what somebody wants here.
 */
const streams = ({ holds, fill }: Pick<Following, 'holds' | 'fill'>) => holds.whole || !fill.isLimited

/**
 * Reads a blob from an origin that has or brings it. Where the whole is wanted one stream brings it front to back, and beside
 * it what somebody waits for is read in units, in any order, which that origin then brings first. Returns also when nobody
 * wants the blob any more.
 * @throws what the member answers, and PEER_CLOSED after `slot` was emptied when the member tells another length
 */
export async function followUnits(following: Following): Promise<void> {
  const { slot } = following
  const known = slot.intake
  if (known !== undefined) return followInto(following, known, undefined)
  const whole = streams(following) ? wholeAnswer(following) : undefined
  try {
    await followInto(following, await slot.open(await sizeOf(following, whole?.answer)), whole)
  } finally {
    // Nobody reads it if the stream began elsewhere, or never.
    whole?.answer.then(({ body }) => body.destroy()).catch(() => undefined)
  }
}

/** The answer with the whole, asked for before the size is known. */
interface WholeAnswer {
  readonly answer: Promise<SiblingBlob>
  readonly end: AbortController
}

function wholeAnswer(following: Following): WholeAnswer {
  const end = abortController()
  const answer = opened(following, { priority: 'fill', signal: anySignal([following.signal, end.signal]) })
  answer.catch(() => undefined)
  return { answer, end }
}

/**
 * The size, from whichever answer comes first: that of the whole blob comes with its first byte, and of a blob whose end
 * is asked for first that may be long. @throws what `whole` throws, or without it BLOB_UNKNOWN and what the member answers
 */
async function sizeOf(
  { siblings, member, blob, signal }: Following,
  whole: Promise<SiblingBlob> | undefined,
): Promise<number> {
  if (whole === undefined) {
    const size = await siblings.size(member, blob, { signal })
    if (size === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })
    return size
  }
  const asked = async () => {
    const size = await siblings.size(member, blob, { signal }).catch(() => undefined)
    return size ?? (await whole).size
  }
  return Promise.race([whole.then(({ size }) => size), asked()])
}

/**
 * Waits until an origin knows whether the blob is right: it gives the last byte only then. One that has found it wrong says
 * so to all who ask before they read the backend. @throws ABORTED
 */
export async function untilJudged(following: Following, length: number): Promise<void> {
  const { signal } = following
  const range = { start: length - 1, end: length }
  try {
    const { body } = await opened(following, { range, priority: 'fill', signal })
    await finished(body.resume())
  } catch {
    throwIfAborted(signal)
  }
}

/** A stream of the whole that is about to be read. */
interface Stream {
  readonly part: IntakePart
  readonly end: AbortController
}

async function followInto(following: Following, intake: Intake, whole: WholeAnswer | undefined): Promise<void> {
  const { slot, holds, reads, signal } = following
  const { map } = intake.partial
  let stream: Stream | undefined
  let unread = whole
  const isFar = (piece: number) => {
    const at = map.rangeOf(piece).start
    return stream === undefined || at < stream.part.offset || at >= stream.part.offset + NEAR_BYTES
  }

  const plan = (running: number): FollowedUnit | undefined => {
    const isStreamed = streams(following)
    if (!isStreamed) stream?.end.abort()
    if (holds.over || running >= READS_AT_ONCE) return undefined
    if (isStreamed && stream === undefined) {
      const rest = fillUnit(intake.arrival, Number.POSITIVE_INFINITY)
      if (rest === undefined) return undefined
      stream = { part: intake.part(rest.range, { asItGoes: true }), end: abortController() }
      return { ...rest, part: stream.part }
    }
    const unit = askedUnit(intake.arrival, UNIT_BYTES, isFar)
    return unit && { ...unit, part: intake.part(unit.range) }
  }

  const take = async (unit: FollowedUnit, stop: AbortSignal) => {
    const first = unit.isAsked || unit.range.start > 0 ? undefined : unread
    if (first !== undefined) unread = undefined
    const unfollow = onAbort(first && stop, () => first?.end.abort())
    try {
      await slot.take('origin', unit.part, await bodyOf(following, { unit, first, stop, length: map.length }))
    } finally {
      unfollow()
      await unit.part.close()
    }
  }

  const readStream = async (unit: FollowedUnit, stop: AbortSignal, end: AbortSignal) => {
    try {
      await take(unit, anySignal([stop, end]))
    } catch (err) {
      if (!end.aborted) throw err
    } finally {
      stream = undefined
    }
  }

  const read = (unit: FollowedUnit, { signal: stop }: { readonly signal: AbortSignal }) =>
    unit.part === stream?.part ? readStream(unit, stop, stream.end.signal) : take(unit, stop)

  await bringUnits({ intake, holds, reads, plan, read, isSoonDone: () => false, signal })
}

interface BodyAsked {
  readonly unit: FollowedUnit
  /** The answer that brings the unit, if it was asked for before. */
  readonly first: WholeAnswer | undefined
  readonly length: number
  readonly stop: AbortSignal
}

/** The bytes of a unit. @throws PEER_CLOSED after the slot was emptied when the member tells another length */
async function bodyOf(following: Following, { unit, first, length, stop }: BodyAsked): Promise<Readable> {
  const { range, priority, isAsked } = unit
  const asked = { range: { ...range, standsAlone: isAsked }, priority, signal: stop }
  const { size, body } = await (first?.answer ?? opened(following, asked))
  if (size === length) return body
  body.destroy()
  const reason = appError('PEER_CLOSED', { message: 'the blob has another length' })
  await following.slot.drop(reason)
  throw reason
}

function opened(
  { siblings, member, blob }: Following,
  options: {
    readonly range?: AskedRange
    readonly priority: ReadPriority
    readonly signal: AbortSignal
  },
): Promise<SiblingBlob> {
  return siblings.read(member, blob, options)
}
