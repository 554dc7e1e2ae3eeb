import type { Durability } from '../../../lib/backend/index.ts'
import type { AbortOptions } from '../../../lib/base/index.ts'
import { appError, hasCode, isAppError } from '../../../lib/base/index.ts'
import type { BlobRef, Repository } from '../../../lib/core/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'
import { blobKey } from '../blob-keys.ts'
import { type BackendWriteComponents, writeToBackend } from './backend-write.ts'
import { verifiedBody } from './verified-body.ts'
import type { WriteBack } from './write-back.ts'

export interface KeepBlobComponents extends BackendWriteComponents {
  readonly store: Pick<BlobReader, 'stat' | 'open'>
  readonly writeBack: Pick<WriteBack, 'keep'>
  readonly durabilityOf: (repository: Repository) => Durability
}

/**
 * For who is about to link a blob without sending it: the backend has it and does not lose it before it can be linked, or
 * this origin has it and a task to write it there. The result is its size. @throws BLOB_UNKNOWN when neither has it, and
 * what the backend throws
 */
export async function keepBlob(
  components: KeepBlobComponents,
  blob: BlobRef,
  options: AbortOptions = {},
): Promise<number> {
  const { store, durabilityOf } = components
  const stored = await store.stat(blob.digest)
  try {
    const size = await keptInBackend(components, blob, options)
    if (size !== undefined) return size
  } catch (err) {
    const isOutage = isAppError(err) && err.retryable && options.signal?.aborted !== true
    if (!isOutage || stored === undefined || durabilityOf(blob.repository) === 'backend') throw err
  }
  if (stored === undefined) throw unknown(blob)
  if (await keptForLater(components, blob, stored)) return stored.size
  const read = async () => verifiedBody(await store.open(blob.digest, options), blob.digest)
  await writeToBackend(components, { blob, size: stored.size, read }, options)
  return stored.size
}

async function keptInBackend(
  { backends, refusals, condemned }: KeepBlobComponents,
  blob: BlobRef,
  options: AbortOptions,
): Promise<number | undefined> {
  const backend = backends.backendFor(blob.repository)
  await condemned.spare(backend, blob.digest, options)
  const found = await backend.stat(blobKey(blob.digest), options)
  return found === undefined || refusals.has(blob) ? undefined : found.size
}

/** Where a push does not wait for the backend, this does not either. False when too much waits already. */
async function keptForLater(
  { store, writeBack, durabilityOf }: KeepBlobComponents,
  blob: BlobRef,
  { size }: StoredBlob,
): Promise<boolean> {
  if (durabilityOf(blob.repository) === 'backend') return false
  const still = async () => (await store.stat(blob.digest)) ?? Promise.reject(unknown(blob))
  try {
    await writeBack.keep({ blob, size, rank: 0 }, still)
    return true
  } catch (err) {
    if (hasCode(err, 'WRITE_BACK_FULL')) return false
    throw err
  }
}

const unknown = ({ digest }: BlobRef) => appError('BLOB_UNKNOWN', { detail: { digest } })
