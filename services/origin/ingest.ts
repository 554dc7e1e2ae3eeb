import type { Readable } from 'node:stream'
import type { Backends } from '../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode, isAbort, singleFlight, throwIfAborted } from '../../lib/base/index.ts'
import type { Cluster, Member } from '../../lib/cluster/index.ts'
import { type Digest, digestAlgorithm } from '../../lib/core/index.ts'
import type { BlobStore, StoredBlob } from '../../lib/store/index.ts'
import type { BlobRef } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'
import { blobKey } from './blob-keys.ts'
import type { Refusals } from './refusals.ts'
import type { Siblings } from './siblings.ts'

export interface IngestComponents {
  readonly store: BlobStore
  readonly backends: Pick<Backends, 'backendFor'>
  readonly cluster: Cluster
  readonly siblings: Siblings
  readonly refusals: Refusals
  readonly logger: Logger
  /** Payload bytes that came in, by where from. */
  readonly onReceived: (from: 'store' | 'origin', bytes: number) => void
  /** A blob has become complete here. */
  readonly onStored: (blob: BlobRef, stored: StoredBlob) => void
}

export interface IngestOptions extends AbortOptions {
  /** The request came from another origin: read the store or refuse, never ask a sibling. */
  readonly hop: boolean
}

/**
 * Brings blobs that this origin lacks. The first healthy owner on the ring reads the backend, the others read it from
 * that one, and each origin has at most one read under way for a blob: so a byte leaves the backend once per cluster
 * while the health views agree. Views that differ cannot deadlock, because a request with the hop mark never asks on.
 */
export interface Ingest {
  /** Size in bytes, without fetching. @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE */
  size(blob: BlobRef, options?: AbortOptions): Promise<number>
  /** @throws BLOB_UNKNOWN, DIGEST_REFUSED, NOT_OWNER, BACKEND_CORRUPT, BACKEND_UNAVAILABLE, STORE_FULL */
  ensure(blob: BlobRef, options: IngestOptions): Promise<StoredBlob>
}

async function* counted(body: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    count(chunk.byteLength)
    yield chunk
  }
}

export function ingest(components: IngestComponents, init: { readonly memberId: string }): Ingest {
  const { store, backends, cluster, siblings, refusals, logger } = components
  const backendReads = singleFlight<Digest, StoredBlob>()
  const siblingReads = singleFlight<Digest, StoredBlob>()

  const unknown = (blob: BlobRef) => appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })

  const receive = async (blob: BlobRef, from: 'store' | 'origin', body: Readable, signal: AbortSignal) => {
    const upload = await store.createUpload()
    try {
      await upload.append(
        counted(body, (bytes) => components.onReceived(from, bytes)),
        { offset: 0, signal },
      )
      if ((await upload.digest(digestAlgorithm(blob.digest))) !== blob.digest) {
        throw appError('BACKEND_CORRUPT', { detail: { digest: blob.digest, from, size: upload.size } })
      }
      const stored = await upload.commit(blob.digest)
      components.onStored(blob, stored)
      return stored
    } catch (err) {
      await upload.abort()
      throw err
    } finally {
      body.destroy()
    }
  }

  const readBackend = (blob: BlobRef, signal: AbortSignal | undefined) =>
    backendReads.run(
      blob.digest,
      async (shared) => {
        const object = await backends.backendFor(blob.namespace).read(blobKey(blob.digest), { signal: shared })
        if (object === undefined) throw unknown(blob)
        try {
          const stored = await receive(blob, 'store', object.body, shared)
          refusals.clear(blob.digest)
          return stored
        } catch (err) {
          if (hasCode(err, 'BACKEND_CORRUPT')) refusals.add(blob.digest)
          throw err
        }
      },
      { signal },
    )

  const readSibling = async (member: Member, blob: BlobRef, signal: AbortSignal) => {
    const copy = await siblings.read(member, blob, { signal })
    return receive(blob, 'origin', copy.body, signal)
  }

  const readOwners = async (blob: BlobRef, signal: AbortSignal): Promise<StoredBlob> => {
    for (const member of cluster.liveOwners(blob.digest)) {
      if (member.id === init.memberId) break
      throwIfAborted(signal)
      try {
        const stored = await readSibling(member, blob, signal)
        cluster.report(member.id, 'ok')
        return stored
      } catch (err) {
        if (isAbort(err) || hasCode(err, 'BLOB_UNKNOWN', 'DIGEST_REFUSED', 'STORE_FULL')) throw err
        if (!hasCode(err, 'NOT_OWNER')) cluster.report(member.id, 'failed')
        logger.info('failed to read a blob from its owner, trying the next', { member: member.id, err })
      }
    }
    return readBackend(blob, signal)
  }

  return {
    async size(blob, options = {}) {
      const stored = await store.stat(blob.digest)
      if (stored !== undefined) return stored.size
      refusals.check(blob.digest)
      const object = await backends.backendFor(blob.namespace).stat(blobKey(blob.digest), options)
      if (object === undefined) throw unknown(blob)
      return object.size
    },
    async ensure(blob, { hop, signal }) {
      const stored = await store.stat(blob.digest)
      if (stored !== undefined) return stored
      refusals.check(blob.digest)
      if (!hop) return siblingReads.run(blob.digest, (shared) => readOwners(blob, shared), { signal })
      const owners = [...cluster.owners(blob.digest), ...cluster.liveOwners(blob.digest)]
      if (!owners.some((member) => member.id === init.memberId)) {
        throw appError('NOT_OWNER', { detail: { digest: blob.digest, member: init.memberId } })
      }
      return readBackend(blob, signal)
    },
  }
}
