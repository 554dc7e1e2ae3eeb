import type { Readable } from 'node:stream'
import type { ByteRange, Digest } from '../core/index.ts'
import type { ReadOptions, SidecarName, StoredBlob } from './blob-store.ts'
import type { BlobCandidate } from './eviction.ts'
import type { FoundBlob, Volume } from './medium.ts'

/** For parts of the store whose bytes become a blob. */
export interface BlobAdoption {
  /**
   * Adds a blob whose bytes are already counted; `promote` puts the bytes in place. When the blob already exists, it
   * stays, `promote` is not called and `added` is false.
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
  /** `readAt` that does not count as a use of the blob. */
  peek(digest: Digest, range: ByteRange): Promise<Uint8Array>
  list(): readonly StoredBlob[]
  /** `stat`, plus what keeps the blob from eviction: pins and uses. */
  inspect(digest: Digest): InspectedBlob | undefined
}

/** Data stored beside a blob; each method throws BLOB_UNKNOWN when there is no such blob. */
interface BlobNotes {
  /** Undefined when there is no such blob. */
  sidecar(digest: Digest, name: SidecarName): Promise<Uint8Array | undefined>
  putSidecar(digest: Digest, name: SidecarName, bytes: Uint8Array): Promise<void>
  pin(digest: Digest, pinned: boolean): Promise<void>
  /** Records that the blob's bytes were verified now. */
  noteVerified(digest: Digest): Promise<void>
}

interface BlobRemoval {
  delete(digest: Digest): Promise<void>
  /** Removes from the books every blob on a lost volume. */
  forget(volume: Volume): void
  /**
   * Removes the blob unless somebody has begun to use it, or `mayGo` says no at that moment. Returns whether it was
   * removed.
   */
  evict(digest: Digest, mayGo?: () => boolean): Promise<boolean>
  /** Blobs that are not pinned and that nobody reads or changes now. */
  idle(): readonly BlobCandidate[]
}

interface BlobInventory {
  /** Adds the blobs that were found at the start. */
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
