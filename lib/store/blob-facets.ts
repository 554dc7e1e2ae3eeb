import type { Readable } from 'node:stream'
import type { ByteRange, Digest } from '../core/index.ts'
import type { ReadOptions, SidecarName, StoredBlob } from './blob-store.ts'
import type { Candidate } from './eviction.ts'
import type { FoundBlob, Volume } from './medium.ts'

/** What those call whose bytes become a blob. */
export interface BlobAdoption {
  /**
   * Adds a blob whose bytes are already counted: `promote` puts them in place. When the blob is there already, it wins,
   * `promote` is not called and `added` is false.
   */
  adopt(
    found: { readonly digest: Digest; readonly size: number; readonly volume: Volume },
    promote: () => Promise<void>,
  ): Promise<{ readonly blob: StoredBlob; readonly added: boolean }>
  touch(digest: Digest): void
}

interface BlobContents {
  stat(digest: Digest): StoredBlob | undefined
  open(digest: Digest, options?: ReadOptions): Promise<Readable>
  readAt(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  /** `readAt` that does not count as a use. */
  peek(digest: Digest, range: ByteRange): Promise<Uint8Array>
  list(): readonly StoredBlob[]
  /** `stat` with what keeps the blob: pins and uses. */
  inspect(digest: Digest): InspectedBlob | undefined
}

/** What is noted beside a blob; each throws BLOB_UNKNOWN without one. */
interface BlobNotes {
  /** Undefined without a blob. */
  sidecar(digest: Digest, name: SidecarName): Promise<Uint8Array | undefined>
  putSidecar(digest: Digest, name: SidecarName, bytes: Uint8Array): Promise<void>
  pin(digest: Digest, pinned: boolean): Promise<void>
  /** Notes that its bytes are right. */
  noteVerified(digest: Digest): Promise<void>
}

interface BlobRemoval {
  delete(digest: Digest): Promise<void>
  /** Forgets all that lay on a volume that is lost. */
  forget(volume: Volume): void
  /** Removes it unless somebody has begun to use it. Returns whether it did. */
  evict(digest: Digest): Promise<boolean>
  /** Blobs that are not pinned and that nobody reads or changes at this moment. */
  idle(): readonly Candidate[]
}

interface BlobInventory {
  /** Takes over what a start found. */
  restore(found: readonly FoundBlob[]): void
}

/** All complete blobs of a store. */
export type CompleteBlobs = BlobInventory & BlobAdoption & BlobContents & BlobNotes & BlobRemoval

export interface InspectedBlob extends StoredBlob {
  readonly volume: Volume
  readonly verifiedAtMs: number | undefined
  readonly pinned: boolean
  readonly inUse: boolean
}
