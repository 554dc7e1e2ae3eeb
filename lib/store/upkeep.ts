import type { ByteRange, Digest } from '../core/index.ts'
import type { StoredBlob } from './blob-store.ts'
import type { UploadRest } from './upload-rest.ts'

/** Why a complete blob is not evicted now. */
export type Hold = 'pinned' | 'leased' | 'in use'

/** A complete blob with the facts that store maintenance needs. */
export interface KeptBlob extends StoredBlob {
  /** When its bytes were last compared with its digest, milliseconds since the epoch; undefined when unknown. */
  readonly verifiedAtMs: number | undefined
  readonly holds: readonly Hold[]
}

/** Lets store maintenance examine complete blobs without counting as a use. */
export interface BlobInspection {
  /** All complete blobs, ordered by digest. */
  inspect(): readonly KeptBlob[]
  /** One complete blob; undefined when there is none with that digest. */
  look(digest: Digest): KeptBlob | undefined
  /** Reads as `readAt` does, but does not count as a use. @throws BLOB_UNKNOWN */
  peek(digest: Digest, range: ByteRange): Promise<Uint8Array>
  /** Records that the blob's bytes were just compared with its digest and match. @throws BLOB_UNKNOWN */
  noteVerified(digest: Digest): Promise<void>
}

/** An upload that has not become a blob. */
export interface OpenUpload {
  readonly id: string
  /** Bytes received. */
  readonly size: number
  /** Milliseconds since the epoch of the last use; of an upload that somebody uses, now. */
  readonly usedAtMs: number
  readonly rest: UploadRest
}

/** Lets upkeep and quotas see and end uploads without counting as a use. */
export interface UploadInspection {
  /** All uploads, those used least lately first. */
  openUploads(): readonly OpenUpload[]
  /** Removes the upload unless it is in use; returns whether it was removed. */
  evictUpload(id: string): Promise<boolean>
}

/** Limits of a store that may change while it runs; what each means says `StoreInit`. */
export interface ChangingLimits {
  readonly capacityBytes?: number
  readonly minFreeBytes?: number
  readonly highWatermark?: number
  readonly lowWatermark?: number
  readonly uploadIdleMs?: number
}

/** How much the store may hold, and for how long, which may change while it runs. */
export interface StoreLimits {
  /** From now on; the next write evicts what is too much. Others stay as they are. @throws CONFIG_INVALID, and nothing has changed */
  setLimits(changed: ChangingLimits): void
}

/** The state of the store as a whole. */
export interface StoreHealth {
  /** Bytes in use now: complete blobs, partials and uploads. */
  readonly usedBytes: number
  /** What is wrong: broken volumes, refused writes. Undefined when nothing is wrong. */
  readonly trouble: string | undefined
}
