import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { BlobInspection, KeptBlob, Retention } from '../../../lib/store/index.ts'
import type { Copies } from './copies.ts'

/** A stored blob, and where else it is. */
export interface BlobReport extends KeptBlob {
  /** Whether this member is one of those that are to keep the blob. */
  readonly keeper: boolean
  readonly inBackend: boolean
  /** What each other origin that is to keep the blob says: absent, held or kept. */
  readonly others: Readonly<Record<string, string>>
}

interface RestingBlobs extends Pick<Retention, 'delete'>, Pick<BlobInspection, 'look'> {}

export interface BlobKeeperComponents {
  readonly store: RestingBlobs
  readonly copies: Copies
}

/** Inspects and evicts single stored blobs, for an admin. */
export interface BlobKeeper {
  /** @throws BLOB_UNKNOWN */
  report(digest: Digest, options?: AbortOptions): Promise<BlobReport>
  /**
   * Removes the blob here; current readers can finish. `force` skips every check.
   * @throws BLOB_UNKNOWN, BLOB_HELD when it is pinned or leased, BLOB_LAST_COPY when neither the backend nor another
   *   origin is known to have it
   */
  evict(digest: Digest, options: AbortOptions & { readonly force: boolean }): Promise<void>
}

export function blobKeeper({ store, copies }: BlobKeeperComponents): BlobKeeper {
  const known = (digest: Digest): KeptBlob => {
    const blob = store.look(digest)
    if (blob === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
    return blob
  }

  const report = async (digest: Digest, options: AbortOptions = {}): Promise<BlobReport> => {
    const blob = known(digest)
    const [inBackend, others] = await Promise.all([copies.inBackend(blob, options), copies.keepings(digest, options)])
    const said = Object.fromEntries(others.map(([member, keeping]) => [member.id, keeping]))
    return { ...blob, keeper: copies.isKeeper(digest), inBackend, others: said }
  }

  return {
    report,
    async evict(digest, { force, signal }) {
      const { holds } = known(digest)
      if (!force && (holds.includes('pinned') || holds.includes('leased'))) {
        throw appError('BLOB_HELD', { detail: { digest, holds } })
      }
      if (!force) {
        const { inBackend, others } = await report(digest, { signal })
        const isElsewhere = inBackend || Object.values(others).some((keeping) => keeping !== 'absent')
        if (!isElsewhere) throw appError('BLOB_LAST_COPY', { detail: { digest, others } })
      }
      await store.delete(digest)
    },
  }
}
