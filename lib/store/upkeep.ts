import type { ByteRange, Digest } from '../core/index.ts'
import type { StoredBlob } from './blob-store.ts'

/** Why a complete blob is not evicted now. */
export type Hold = 'pinned' | 'leased' | 'in use'

/** A complete blob as those see it who look after a store. */
export interface KeptBlob extends StoredBlob {
  /** Milliseconds since the epoch of the last time its bytes were compared with its digest; undefined: not known. */
  readonly verifiedAtMs: number | undefined
  readonly holds: readonly Hold[]
}

/** Looking at complete blobs without using them, for those who look after a store. */
export interface BlobInspection {
  /** Complete blobs, in the order of their digests. */
  inspect(): readonly KeptBlob[]
  /** One complete blob; undefined when there is none of that digest. */
  look(digest: Digest): KeptBlob | undefined
  /** Reads as `readAt` does, without making the blob one that was used lately. @throws BLOB_UNKNOWN */
  peek(digest: Digest, range: ByteRange): Promise<Uint8Array>
  /** Its bytes were compared with its digest just now, and are right. @throws BLOB_UNKNOWN */
  noteVerified(digest: Digest): Promise<void>
}

/** How the store as a whole is. */
export interface StoreHealth {
  /** Own bytes now: complete, partial and uploads. */
  readonly usedBytes: number
  /** What is wrong with it: volumes that are out, writes that are refused. Undefined when all is well. */
  readonly trouble: string | undefined
}
