import type { Readable } from 'node:stream'
import type { AbortOptions, Bitset } from '../base/index.ts'
import type { ByteRange, Digest, DigestAlgorithm, PieceMap } from '../core/index.ts'

/** A complete blob at rest. */
export interface StoredBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Milliseconds since the epoch of the last read or write; orders the eviction. */
  readonly usedAtMs: number
}

/**
 * Small files beside a complete blob, each for one purpose; they go with the blob:
 * - `pieces`: the SHA-256 of each piece, one after the other, 32 bytes a piece;
 * - `descriptor`: the OCI descriptor of a manifest, as JSON;
 * - `label`: what the service above has noted of the blob.
 *
 * The store does not read them. Earlier agents kept the descriptor under `pieces`: who reads `pieces` takes nothing for
 * hashes that has not 32 bytes for each piece of the blob.
 */
export type SidecarName = 'pieces' | 'descriptor' | 'label'

export interface ReadOptions extends AbortOptions {
  /** Default: the whole blob. */
  readonly range?: ByteRange
}

/** Bytes being received whose digest is not yet known. One writer at a time. */
export interface Upload {
  /** Unguessable; letters, digits and `-` only. */
  readonly id: string
  /** Bytes received so far; survives a restart of the process. */
  readonly size: number
  /**
   * Appends `source` at `offset`, hashing while it writes. When the source fails, the bytes that came stay.
   * @throws UPLOAD_CONFLICT while another append runs, UPLOAD_OFFSET when `offset` is not `size`, STORE_FULL, ABORTED
   */
  append(source: AsyncIterable<Uint8Array>, options: AbortOptions & { readonly offset: number }): Promise<void>
  /**
   * The digest of what was received so far. sha256 is kept up while appending; another algorithm re-reads the file.
   * @throws UPLOAD_CONFLICT while an append runs
   */
  digest(algorithm: DigestAlgorithm): Promise<Digest>
  /** The bytes received so far. */
  read(options?: ReadOptions): Readable
  /**
   * Makes the upload a complete blob, durably (fsync of file and folder), and ends it. An existing blob of that digest wins.
   * @throws DIGEST_INVALID when the bytes are something else; the upload stays. UPLOAD_CONFLICT while an append runs
   */
  commit(digest: Digest): Promise<StoredBlob>
  /** Removes it. Idempotent. */
  abort(): Promise<void>
}

/**
 * A blob of known length that arrives in pieces, in any order. Crash-safe: a piece's data is written before its bit in
 * the map, so that after kill -9 no bit lies; after a power loss, pieces newer than the last fdatasync are hashed again
 * against the hashes given to `write`. One PartialBlob per digest: `openPartial` twice gives the same object.
 */
export interface PartialBlob {
  readonly digest: Digest
  readonly map: PieceMap
  /** Pieces that are verified and on disk. Live; do not change it. */
  readonly have: Bitset
  /**
   * Stores one verified piece (the caller has compared it with `hash`, 32 bytes SHA-256). Idempotent.
   * @throws STORE_FULL when nothing can be evicted
   */
  write(piece: number, bytes: Uint8Array, hash: Uint8Array): Promise<void>
  /** Reads bytes of pieces in `have`, into `into` as `readAt` does. Undefined behaviour for others. */
  read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  /** Resolves when the piece is in `have`. @throws ABORTED, or the reason given to `discard` */
  whenVerified(piece: number, options?: AbortOptions): Promise<void>
  /**
   * Makes it a complete blob once every piece is there. Readers of the partial go on undisturbed.
   * @throws STORE_CORRUPT while pieces are missing
   */
  complete(): Promise<StoredBlob>
  /** Removes it; waiting readers get `reason`. Idempotent. */
  discard(reason: Error): Promise<void>
  /** While a lease is held, neither the partial nor the blob it becomes is evicted. Call the result once to release. */
  lease(): () => void
}

/*
 * What a store can do, in facets: a caller names the ones that it needs. `ManagedStore` (managed-store.ts) is all of them
 * over one folder, for the place that builds it.
 */

/** Complete blobs, to be read. */
export interface BlobReader {
  /** Undefined when there is no complete blob of that digest. */
  stat(digest: Digest): Promise<StoredBlob | undefined>
  /** Streams a complete blob, 1 MiB at a time. An eviction during the read does not disturb it. @throws BLOB_UNKNOWN */
  open(digest: Digest, options?: ReadOptions): Promise<Readable>
  /**
   * Random access for the swarm: fills and returns `into`, which is exactly as long as `range`, or else a new buffer.
   * @throws BLOB_UNKNOWN
   */
  readAt(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  /** Complete blobs, in no order. */
  list(): Promise<readonly StoredBlob[]>
  /** Keeps the blob from being evicted until the result is called. */
  lease(digest: Digest): () => void
}

/** Blobs that are pushed: bytes whose digest is known at the end. */
export interface BlobUploads {
  createUpload(): Promise<Upload>
  /** @throws BLOB_UPLOAD_UNKNOWN */
  upload(id: string): Promise<Upload>
}

/** Blobs that arrive in pieces. */
export interface PartialBlobs {
  /**
   * Opens or creates. A partial of another length or piece length is removed first: who still uses it gets
   * STORE_CORRUPT. @throws STORE_FULL
   */
  openPartial(digest: Digest, map: PieceMap): Promise<PartialBlob>
  /** Partials left by an earlier run or still open. */
  partials(): Promise<readonly { readonly digest: Digest; readonly map: PieceMap }[]>
}

/** Notes beside complete blobs. */
export interface Sidecars {
  /** Undefined when there is none, or no such blob. */
  sidecar(digest: Digest, name: SidecarName): Promise<Uint8Array | undefined>
  /** @throws BLOB_UNKNOWN */
  putSidecar(digest: Digest, name: SidecarName, bytes: Uint8Array): Promise<void>
}

/** Which complete blobs stay and which go. */
export interface Retention {
  /** A pinned blob is not evicted, also after a restart; `delete` still removes it. @throws BLOB_UNKNOWN */
  pin(digest: Digest, pinned: boolean): Promise<void>
  /** Removes a complete blob. Idempotent. */
  delete(digest: Digest): Promise<void>
}
