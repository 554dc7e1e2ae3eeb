import { codeOf, isAbort, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import type { BlobInspection, BlobUploads, Repair, Retention, StoredBlob } from '../../../lib/store/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { BlobNames } from '../blob-names.ts'
import type { Ingest } from '../bring/ingest.ts'
import type { Siblings } from '../ring/siblings.ts'
import type { Copies } from './copies.ts'

interface RepairedBlobs extends Retention, Pick<BlobUploads, 'createUpload'>, Pick<BlobInspection, 'look'> {}

export interface RepairComponents {
  readonly store: RepairedBlobs
  readonly copies: Pick<Copies, 'keepings'>
  readonly names: BlobNames
  readonly siblings: Pick<Siblings, 'read'>
  readonly ingest: Pick<Ingest, 'ensure'>
  readonly cluster: Cluster
  readonly logger: Logger
  readonly onReceived: (from: 'origin', bytes: number) => void
  readonly onStored: (blob: BlobRef, stored: StoredBlob) => void
}

/** A rotten blob comes again from another origin that has it, else from the backend. A pin survives this. */
export function repair(components: RepairComponents): Repair {
  const { store, copies, names, siblings, ingest, cluster, logger } = components

  const fromMember = async (member: Member, blob: BlobRef, signal: AbortSignal | undefined): Promise<boolean> => {
    const upload = await store.createUpload()
    try {
      const { size, body } = await siblings.read(member, blob, { signal })
      try {
        await upload.append(body, { offset: 0, signal, total: { least: size, most: size } })
      } finally {
        body.destroy()
      }
      const bytes = upload.size
      const stored = await upload.commit(blob.digest)
      components.onReceived('origin', bytes)
      components.onStored(blob, stored)
      return true
    } catch (err) {
      await upload.abort()
      if (isAbort(err)) throwIfAborted(signal)
      reportFailure(cluster, member, err)
      logger.warn('failed to repair a blob from a replica', { digest: blob.digest, member: member.id, err })
      return false
    }
  }

  const fromMembers = async (blob: BlobRef, signal: AbortSignal | undefined): Promise<boolean> => {
    for (const [member, keeping] of await copies.keepings(blob.digest, { signal })) {
      if (keeping !== 'absent' && (await fromMember(member, blob, signal))) return true
    }
    return false
  }

  const fromBackends = async (blobs: readonly BlobRef[], signal: AbortSignal | undefined): Promise<boolean> => {
    for (const blob of blobs) {
      try {
        await ingest.ensure(blob, { hop: false, signal })
        return true
      } catch (err) {
        if (isAbort(err)) throwIfAborted(signal)
        logger.warn('failed to repair a blob from the backend', { digest: blob.digest, code: codeOf(err), err })
      }
    }
    return false
  }

  return {
    async replace(digest, { signal } = {}) {
      const pinned = store.look(digest)?.holds.includes('pinned') === true
      // Read the names first: they are removed with the blob.
      const blobs = (await names.of(digest)).map((repository) => ({ digest, repository }))
      await store.delete(digest)
      const [first] = blobs
      const fromReplica = first !== undefined && (await fromMembers(first, signal))
      if (!fromReplica && !(await fromBackends(blobs, signal))) return { outcome: 'lost' }
      for (const blob of blobs) await names.add(blob)
      if (pinned) await store.pin(digest, true)
      return { outcome: 'repaired', from: fromReplica ? 'replica' : 'backend' }
    },
  }
}
