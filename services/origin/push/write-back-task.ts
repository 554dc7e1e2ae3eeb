import { type AbortOptions, appError, hasCode, isAppError } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { type BlobRef, parseDigest, parseRepository, repositoryText } from '../../../lib/core/index.ts'
import type { Executor, NewTask, Task } from '../../../lib/journal/index.ts'
import type { BlobReader, Retention } from '../../../lib/store/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import type { Ingest } from '../bring/ingest-contract.ts'
import type { Siblings } from '../ring/siblings.ts'
import { type BackendWriteComponents, writeToBackend } from './backend-write.ts'
import { verifiedBody } from './verified-body.ts'

export const WRITE_BACK = 'write-back'

/** A blob that the backend may not have yet. */
export interface WaitingBlob {
  readonly blob: BlobRef
  /** Bytes. */
  readonly size: number
}

/** The task of writing a blob to the backend of its repository, first tried after `delayMs`. */
export function writeBackTask({ blob, size }: WaitingBlob, delayMs: number): NewTask {
  const { digest } = blob
  const repository = repositoryText(blob.repository)
  return { kind: WRITE_BACK, key: `${repository} ${digest}`, payload: { digest, repository, size }, delayMs }
}

/** The blob of a task; undefined when the payload is invalid. */
export function waitingBlob({ payload }: Pick<Task, 'payload'>): WaitingBlob | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined
  const { namespace, digest, repository = namespace, size } = payload as Readonly<Record<string, unknown>>
  if (typeof digest !== 'string' || typeof repository !== 'string' || !Number.isSafeInteger(size)) return undefined
  try {
    return { blob: { digest: parseDigest(digest), repository: parseRepository(repository) }, size: Number(size) }
  } catch (err) {
    if (isAppError(err)) return undefined
    throw err
  }
}

interface WrittenBlobs extends Pick<BlobReader, 'stat' | 'open'>, Pick<Retention, 'delete'> {}

export interface WriteBackTaskComponents extends BackendWriteComponents {
  readonly store: WrittenBlobs
  readonly ingest: Pick<Ingest, 'ensure'>
  readonly cluster: Pick<Cluster, 'members'>
  readonly siblings: Pick<Siblings, 'holding'>
  readonly logger: Logger
}

/**
 * Writes waiting blobs to the backend. It looks first, so that only one of several origins with the same task writes.
 * A local copy that is missing or rotten is brought from another origin. A task fails for good with BLOB_LOST when
 * every origin answers and none has the blob, with BODY_INVALID when its payload is invalid, and with the permanent
 * errors of the backend.
 */
export function writeBackExecutor(components: WriteBackTaskComponents, init: { readonly memberId: string }): Executor {
  const { store, backends, ingest, logger } = components

  const open = async (blob: BlobRef, options: AbortOptions) => {
    if ((await store.stat(blob.digest)) === undefined) await bring(blob, options)
    return verifiedBody(await store.open(blob.digest, options), blob.digest)
  }

  const bring = async (blob: BlobRef, options: AbortOptions) => {
    logger.warn('a blob that waits for the backend is missing here; bringing it from another origin', {
      digest: blob.digest,
    })
    try {
      await ingest.ensure(blob, { ...options, hop: false })
    } catch (err) {
      if (!hasCode(err, 'BLOB_UNKNOWN')) throw err
      throw await lossOf(components, blob, { ...options, memberId: init.memberId })
    }
  }

  const write = async ({ blob, size }: WaitingBlob, options: AbortOptions): Promise<void> => {
    await writeToBackend(components, { blob, size, read: () => open(blob, options) }, options)
    const written = await backends.backendFor(blob.repository).stat(blobKey(blob.digest), options)
    if (written?.size === size) return
    const message = 'the backend does not have what it has just taken'
    throw appError('BACKEND_UNAVAILABLE', { message, detail: { digest: blob.digest, size, found: written?.size } })
  }

  return {
    async run(task, options) {
      const waiting = waitingBlob(task)
      if (waiting === undefined)
        throw appError('BODY_INVALID', { message: 'the payload of the task does not name a blob' })
      const { digest } = waiting.blob
      try {
        await write(waiting, options)
      } catch (err) {
        if (!hasCode(err, 'STORE_CORRUPT')) throw err
        logger.error('the local copy of a blob that waits for the backend is rotten; it is removed', { digest, err })
        await store.delete(digest)
        await write(waiting, options)
      }
    },
  }
}

/** The reason why no origin gives the blob: it is lost only when every origin has answered. */
async function lossOf(
  { cluster, siblings }: Pick<WriteBackTaskComponents, 'cluster' | 'siblings'>,
  blob: BlobRef,
  { memberId, signal }: AbortOptions & { readonly memberId: string },
) {
  const others = cluster.members.filter(({ id }) => id !== memberId)
  const answers = await Promise.allSettled(others.map((member) => siblings.holding(member, blob, { signal })))
  const everybodyLacksIt = answers.every((answer) => answer.status === 'fulfilled' && !answer.value.verified)
  const { digest } = blob
  return everybodyLacksIt
    ? appError('BLOB_LOST', { detail: { digest } })
    : appError('NO_HEALTHY_MEMBER', { detail: { digest } })
}
