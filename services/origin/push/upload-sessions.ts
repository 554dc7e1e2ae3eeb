import type { AbortOptions } from '../../../lib/base/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { type BlobRef, digestAlgorithm } from '../../../lib/core/index.ts'
import type { AppendOptions, BlobUploads, CommittedBlob, StoredBlob, Upload } from '../../../lib/store/index.ts'
import type { BlobNames } from '../blob-names.ts'
import type { Placement } from './placement.ts'
import type { UploadQuota } from './upload-quota.ts'

export interface UploadSessionsComponents {
  readonly store: BlobUploads
  readonly placement: Placement
  readonly quota: UploadQuota
  readonly onReceived: (bytes: number) => void
  readonly names: Pick<BlobNames, 'labelOf'>
  readonly onStored: (blob: BlobRef, stored: CommittedBlob) => void
}

export interface UploadState {
  readonly id: string
  /** Bytes received. */
  readonly size: number
}

/** Upload sessions live on the origin that opened them; when that origin dies, the client starts the upload again. */
export interface UploadSessions {
  /** `client` names who uploads, for its share. @throws UPLOADS_FULL */
  create(client: string): Promise<UploadState>
  /** @throws BLOB_UPLOAD_UNKNOWN */
  status(id: string): Promise<UploadState>
  /** @throws BLOB_UPLOAD_UNKNOWN, UPLOAD_CONFLICT, UPLOAD_OFFSET, UPLOADS_FULL, STORE_FULL */
  append(id: string, source: AsyncIterable<Uint8Array>, options: AppendOptions): Promise<UploadState>
  /**
   * Closes the session: compares the digests, then places the blob as the repository's rule demands. After a failure
   * the session stays, so that the client can close it again. @throws DIGEST_INVALID, and what `Placement.place` throws
   */
  commit(id: string, blob: BlobRef, options?: AbortOptions): Promise<{ readonly size: number }>
  /** Ends the session and drops its bytes; a known session may be cancelled again. @throws BLOB_UPLOAD_UNKNOWN */
  cancel(id: string): Promise<void>
}

export function uploadSessions(components: UploadSessionsComponents): UploadSessions {
  const { store, placement, quota } = components

  const stateOf = (upload: Upload): UploadState => ({ id: upload.id, size: upload.size })

  async function* counted(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of source) {
      components.onReceived(chunk.byteLength)
      yield chunk
    }
  }

  const commitAs = async (upload: Upload, blob: BlobRef): Promise<StoredBlob> => {
    const stored = await upload.commit(blob.digest, { label: components.names.labelOf(blob.repository) })
    components.onStored(blob, stored)
    return stored
  }

  /** Compares the digests and places the blob; the upload stays when that fails. */
  const closed = async (upload: Upload, blob: BlobRef, options: AbortOptions): Promise<{ readonly size: number }> => {
    const actual = await upload.digest(digestAlgorithm(blob.digest))
    if (actual !== blob.digest) {
      throw appError('DIGEST_INVALID', { detail: { expected: blob.digest, actual, size: upload.size } })
    }
    const size = upload.size
    const content = { blob, size, read: async () => upload.read() }
    const { kept } = await placement.place(content, { ...options, own: () => commitAs(upload, blob) })
    if (!kept) await upload.abort()
    return { size }
  }

  return {
    create: async (client) => stateOf(await quota.open(client, () => store.createUpload())),
    status: async (id) => stateOf(await store.upload(id)),
    async append(id, source, options) {
      const upload = await store.upload(id)
      quota.assertPossible(id, options.total?.least ?? 0)
      await upload.append(counted(quota.limited(id, source)), options)
      return stateOf(upload)
    },
    async commit(id, blob, options = {}) {
      const upload = await store.upload(id)
      const release = upload.lease()
      try {
        return await closed(upload, blob, options)
      } finally {
        release()
      }
    },
    cancel: async (id) => (await store.upload(id)).abort(),
  }
}
