import { finished } from 'node:stream/promises'
import type { AskedRange } from '../../../lib/api/index.ts'
import { appError, throwIfAborted } from '../../../lib/base/index.ts'
import type { Member } from '../../../lib/cluster/index.ts'
import type { BlobRef, ReadPriority } from '../../../lib/core/index.ts'
import type { SiblingBlob, Siblings } from '../ring/siblings.ts'
import { bringUnits } from './bring-units.ts'
import { askedUnit, fillUnit, type PlannedUnit } from './ingest-plan.ts'
import type { Intake } from './intake.ts'
import type { IntakePart } from './intake-part.ts'
import type { IntakeSlot } from './intake-slot.ts'

export interface Following {
  readonly siblings: Pick<Siblings, 'read' | 'size'>
  readonly member: Member
  readonly blob: BlobRef
  readonly slot: IntakeSlot
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
 * Reads a blob from an origin that has or brings it: one stream brings it front to back, and beside it what somebody waits
 * for is read in units, in any order, which that origin then brings first.
 * @throws what the member answers, and PEER_CLOSED after `slot` was emptied when the member tells another length
 */
export async function followUnits(following: Following): Promise<void> {
  const { slot, signal } = following
  const known = slot.intake
  if (known !== undefined) return followInto(following, known, undefined)
  const whole = opened(following, { priority: 'fill', signal })
  whole.catch(() => undefined)
  try {
    await followInto(following, await slot.open(await sizeOf(following, whole)), whole)
  } finally {
    // Nobody reads it if the stream began elsewhere, or never.
    whole.then(({ body }) => body.destroy()).catch(() => undefined)
  }
}

/**
 * The size, from whichever answer comes first: that of the whole blob comes with its first byte, and of a blob whose end
 * is asked for first that may be long. @throws what `whole` throws
 */
async function sizeOf({ siblings, member, blob, signal }: Following, whole: Promise<SiblingBlob>): Promise<number> {
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

async function followInto(
  following: Following,
  intake: Intake,
  whole: Promise<SiblingBlob> | undefined,
): Promise<void> {
  const { slot, signal } = following
  const { map } = intake.partial
  let stream: IntakePart | undefined
  let unread = whole
  const isFar = (piece: number) => {
    const at = map.rangeOf(piece).start
    return stream === undefined || at < stream.offset || at >= stream.offset + NEAR_BYTES
  }

  const plan = (running: number): FollowedUnit | undefined => {
    if (running >= READS_AT_ONCE) return undefined
    if (stream === undefined) {
      const rest = fillUnit(intake.arrival, Number.POSITIVE_INFINITY)
      if (rest === undefined) return undefined
      stream = intake.part(rest.range, { asItGoes: true })
      return { ...rest, part: stream }
    }
    const unit = askedUnit(intake.arrival, UNIT_BYTES, isFar)
    return unit && { ...unit, part: intake.part(unit.range) }
  }

  const bodyOf = async ({ range, priority, isAsked }: FollowedUnit, stop: AbortSignal) => {
    const first = isAsked || range.start > 0 ? undefined : unread
    if (first !== undefined) unread = undefined
    const asked = { range: { ...range, standsAlone: isAsked }, priority, signal: stop }
    const { size, body } = await (first ?? opened(following, asked))
    if (size === map.length) return body
    body.destroy()
    const reason = appError('PEER_CLOSED', { message: 'the blob has another length' })
    await slot.drop(reason)
    throw reason
  }

  const read = async (unit: FollowedUnit, { signal: stop }: { readonly signal: AbortSignal }) => {
    try {
      await slot.take('origin', unit.part, await bodyOf(unit, stop))
    } finally {
      await unit.part.close()
      if (unit.part === stream) stream = undefined
    }
  }

  await bringUnits({ intake, plan, read, signal })
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
