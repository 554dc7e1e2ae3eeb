import type { Readable } from 'node:stream'
import type { AbortOptions, Bitset } from '../base/index.ts'
import type { ByteRange, Digest, DigestAlgorithm, LengthBounds, PieceMap } from '../core/index.ts'

/** A complete blob in the store. */
export interface StoredBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Time of the last read or write, milliseconds since the epoch; decides the order of eviction. */
  readonly usedAtMs: number
}

/**
 * Small files beside a complete blob, each for one purpose; they are removed with the blob:
 * - `pieces`: the concatenated SHA-256 of all pieces, 32 bytes each;
 * - `descriptor`: the OCI descriptor of a manifest, as JSON;
 * - `label`: notes of the service about the blob;
 * - `torrent`: the concatenated SHA-1 of all pieces, 20 bytes each, of a blob whose torrent somebody asked for.
 *
 * The store does not interpret them. Earlier agents kept the descriptor under `pieces`, so a reader of `pieces` must
 * check that it has exactly 32 bytes for each piece of the blob.
 */
export type SidecarName = 'pieces' | 'descriptor' | 'label' | 'torrent'

export interface ReadOptions extends AbortOptions {
  /** Default: the whole blob. */
  readonly range?: ByteRange
}

export interface AppendOptions extends AbortOptions {
  /** Bytes that the upload has; a guard against two writers. */
  readonly offset: number
  /**
   * What the caller knows about the size of the whole upload. Pieces of lengths that it rules out are not hashed; when
   * it was wrong, the hashes of the pieces are computed from the blob when they are needed.
   */
  readonly total?: Partial<LengthBounds> | undefined
}

/** A blob that an upload has become. */
export interface CommittedBlob extends StoredBlob {
  /** The sidecars that were stored with it; none when the blob was there before. */
  readonly beside: readonly SidecarName[]
}

export interface CommitOptions {
  /** What is to be the sidecar `label` of the blob, unless it is there already. */
  readonly label?: Uint8Array | undefined
}

/** Received bytes whose digest is not yet known. Only one writer at a time. */
export interface Upload {
  /** Cannot be guessed; only letters, digits and `-`. */
  readonly id: string
  /** Bytes received so far; survives a restart of the process. */
  readonly size: number
  /**
   * Appends `source` at `offset` and hashes it while writing, the whole and its pieces. When the source fails, the bytes received so far are
   * kept.
   * @throws UPLOAD_CONFLICT while another append runs, UPLOAD_OFFSET when `offset` is not `size`, STORE_FULL, ABORTED
   */
  append(source: AsyncIterable<Uint8Array>, options: AppendOptions): Promise<void>
  /**
   * The digest of the bytes received so far. sha256 is computed during appends; another algorithm reads the file again,
   * once, and so does an append that follows.
   * @throws UPLOAD_CONFLICT while an append runs
   */
  digest(algorithm: DigestAlgorithm): Promise<Digest>
  /** The bytes received so far. */
  read(options?: ReadOptions): Readable
  /** Until the result is called, the upload counts as used, and is not removed to make room. */
  lease(): () => void
  /**
   * Turns the upload into a complete blob, durably (fsync of file and folder), with its sidecars, `pieces` among them, and
   * ends the upload. An existing blob with that digest is kept instead.
   * @throws DIGEST_INVALID when the bytes have another digest; the upload is kept. UPLOAD_CONFLICT while an append runs
   */
  commit(digest: Digest, options?: CommitOptions): Promise<CommittedBlob>
  /** Removes the upload. Idempotent. */
  abort(): Promise<void>
}

/**
 * A blob of known length that arrives in pieces, in any order. Crash-safe: the data of a piece is written before its
 * bit in the map, so after kill -9 every set bit is true. After a power loss, pieces newer than the last fdatasync are
 * compared again with the hashes given to `write`. There is one PartialBlob per digest: `openPartial` twice gives the
 * same object.
 */
export interface PartialBlob {
  readonly digest: Digest
  readonly map: PieceMap
  /** Pieces that are verified and on disk. This is the live set; do not change it. */
  readonly have: Bitset
  /** It is being removed, or was: it takes and gives nothing any more. */
  readonly isGone: boolean
  /**
   * Stores one verified piece (the caller has compared its bytes with `hash`, a SHA-256 of 32 bytes). Idempotent.
   * @throws STORE_FULL when nothing can be evicted
   */
  write(piece: number, bytes: Uint8Array, hash: Uint8Array): Promise<void>
  /** The hash given to `write`, perhaps in an earlier run; undefined while the piece is not in `have`. */
  hashOf(piece: number): Uint8Array | undefined
  /** Reads bytes of pieces in `have`, into `into` as `readAt` does. Undefined behaviour for other pieces. */
  read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  /** Resolves when the piece is in `have`. @throws ABORTED, or the reason given to `discard` */
  whenVerified(piece: number, options?: AbortOptions): Promise<void>
  /**
   * Turns the partial into a complete blob when it has every piece. Readers of the partial can go on reading.
   * @throws STORE_CORRUPT while pieces are missing
   */
  complete(): Promise<StoredBlob>
  /** Removes the partial; waiting readers fail with `reason`. Idempotent. */
  discard(reason: Error): Promise<void>
  /**
   * While a lease is held, neither the partial nor the resulting blob is evicted. Call the result once to release it.
   */
  lease(): () => void
}

/*
 * The facets of a store: each caller depends only on the facets it needs. `ManagedStore` (managed-store.ts) combines
 * all facets over one folder, for the code that builds the store.
 */

/** Read access to complete blobs. */
export interface BlobReader {
  /** Undefined when there is no complete blob with that digest. */
  stat(digest: Digest): Promise<StoredBlob | undefined>
  /** Streams a complete blob, 1 MiB at a time. An eviction during the read does no harm. @throws BLOB_UNKNOWN */
  open(digest: Digest, options?: ReadOptions): Promise<Readable>
  /**
   * Random access for the swarm: fills and returns `into`, which must be exactly as long as `range`; without `into`, a
   * new buffer.
   * @throws BLOB_UNKNOWN
   */
  readAt(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  /** All complete blobs, in no particular order. */
  list(): Promise<readonly StoredBlob[]>
  /** Protects the blob from eviction until the result is called. */
  lease(digest: Digest): () => void
}

/** Pushed blobs: their digest is known only at the end. */
export interface BlobUploads {
  createUpload(): Promise<Upload>
  /** @throws BLOB_UPLOAD_UNKNOWN */
  upload(id: string): Promise<Upload>
}

/** A partial as it lies in the store. */
export interface HeldPartial {
  readonly digest: Digest
  readonly map: PieceMap
  /** Of the pieces that are here. */
  readonly bytes: number
}

/** Blobs that arrive in pieces. */
export interface PartialBlobs {
  /**
   * Opens or creates a partial. A partial with another length or piece length is removed first, and its users get
   * STORE_CORRUPT. @throws STORE_FULL
   */
  openPartial(digest: Digest, map: PieceMap): Promise<PartialBlob>
  /**
   * Partials that are open or were left by an earlier run, and how many bytes of each are here. The one that was used
   * longest ago first.
   */
  partials(): Promise<readonly HeldPartial[]>
  /** Removes a partial that nobody uses now. False when it is in use, and stays; true when there is none after the call. */
  dropPartial(digest: Digest): Promise<boolean>
}

/** Small files beside complete blobs. */
export interface Sidecars {
  /** Undefined when there is no such sidecar or no such blob. */
  sidecar(digest: Digest, name: SidecarName): Promise<Uint8Array | undefined>
  /** @throws BLOB_UNKNOWN */
  putSidecar(digest: Digest, name: SidecarName, bytes: Uint8Array): Promise<void>
}

/** What becomes of what is here. */
export interface StoreEvents {
  /**
   * From now on `listener` is called whenever nothing of a blob is here any longer: it was evicted, deleted or discarded,
   * or its volume was lost. It runs before anybody can bring the blob again, so it must not wait.
   */
  onGone(listener: (digest: Digest) => void): void
}

/** Which complete blobs are kept and which are removed. */
export interface Retention {
  /** A pinned blob is never evicted, also after a restart; `delete` can still remove it. @throws BLOB_UNKNOWN */
  pin(digest: Digest, pinned: boolean): Promise<void>
  /** Removes a complete blob. Idempotent. */
  delete(digest: Digest): Promise<void>
  /** Removes a complete blob unless it is pinned or in use. Returns whether it was removed. */
  evict(digest: Digest): Promise<boolean>
}
