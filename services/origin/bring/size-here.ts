import type { Backends } from '../../../lib/backend/index.ts'
import { appError, throwIfAborted } from '../../../lib/base/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import { blobKey } from '../blob-keys.ts'
import { askHoldings, type HoldingsComponents } from '../ring/holdings.ts'
import type { Misses } from './misses.ts'

export interface SizeHereComponents extends HoldingsComponents {
  readonly backends: Pick<Backends, 'backendFor'>
  readonly misses: Misses
}

export interface SizeHereOptions {
  readonly memberId: string
  readonly signal: AbortSignal
}

/**
 * The size that the backend tells; without an answer, the size that another origin with the whole blob tells.
 * @throws BLOB_UNKNOWN, what the backend fails with, ABORTED
 */
export async function sizeHere(
  components: SizeHereComponents,
  blob: BlobRef,
  { memberId, signal }: SizeHereOptions,
): Promise<number> {
  const { backends, misses } = components
  misses.check(blob)
  const looking = misses.look(blob)
  let failure: { readonly err: unknown } | undefined
  try {
    const object = await backends
      .backendFor(blob.repository)
      .stat(blobKey(blob.digest), { as: blob.as, thenRead: true, signal })
    if (object !== undefined) {
      looking.end()
      return object.size
    }
  } catch (err) {
    failure = { err }
  }
  try {
    throwIfAborted(signal)
    const held = await askHoldings(components, blob, { memberId, signal })
    const whole = held.find(({ holding }) => holding.verified)
    if (whole?.holding.size !== undefined) return whole.holding.size
    if (failure !== undefined) throw failure.err
    looking.missed()
    throw appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })
  } finally {
    looking.end()
  }
}
