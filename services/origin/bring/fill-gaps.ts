import type { Backends } from '../../../lib/backend/index.ts'
import { type Clock, type Random, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { BlobRef, ByteRange } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import { firstPortion, type Held } from '../ring/holdings.ts'
import type { Siblings } from '../ring/siblings.ts'
import { readObject } from './backend-read.ts'
import type { Intake } from './intake.ts'
import type { IntakeSlot } from './intake-slot.ts'

export interface FillGapsComponents {
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
  readonly signal: AbortSignal
}

/**
 * Reads what an open intake lacks, once and front to back: from an origin that has the range, else from the backend.
 * An origin that fails is not asked again. `IngestRun` has decided before that no other origin is to be followed.
 * @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE, STORE_FULL, ABORTED
 */
export async function fillGaps(components: FillGapsComponents, { held, ...filling }: Filling): Promise<void> {
  let holders = held
  for (;;) {
    const { intake } = filling.slot
    const gap = await intake?.gap()
    if (intake === undefined || gap === undefined) return
    const { range, from } = firstPortion(gap, holders)
    if (from === undefined) await readBackend(components, filling, { intake, range })
    else if (!(await readHeld(components, filling, { member: from, range }))) {
      holders = holders.filter(({ member }) => member.id !== from.id)
    }
  }
}

function readBackend(
  { backends, clock, random }: FillGapsComponents,
  { blob, slot, signal }: Omit<Filling, 'held'>,
  { intake, range }: { readonly intake: Intake; readonly range: ByteRange },
): Promise<void> {
  const backend = backends.backendFor(blob.repository)
  return readObject(
    { backend, clock, random },
    {
      key: blobKey(blob.digest),
      as: blob.as,
      size: intake.partial.map.length,
      range,
      take: (body) => slot.take('backend', body, range.end),
      offset: () => intake.offset,
      signal,
    },
  )
}

/** False when the member could not give the whole range. */
async function readHeld(
  { siblings, cluster, logger }: FillGapsComponents,
  { blob, slot, signal }: Omit<Filling, 'held'>,
  { member, range }: { readonly member: Member; readonly range: ByteRange },
): Promise<boolean> {
  try {
    const { body } = await siblings.readHeld(member, blob, { range, signal })
    await slot.take('origin', body, range.end)
    return true
  } catch (err) {
    throwIfAborted(signal)
    if (slot.intake?.broken === true) throw err
    reportFailure(cluster, member, err)
    logger.info('failed to read what another origin has of a blob', { member: member.id, err })
    return false
  }
}
