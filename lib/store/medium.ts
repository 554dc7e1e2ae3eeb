import type { Bitset } from '../base/index.ts'
import type { ByteRange, Digest, PieceMap } from '../core/index.ts'
import type { SidecarName } from './blob-store.ts'

/**
 * Where a store keeps its bytes: in files or in memory. The rules (who may write, what is evicted, what callers are
 * told) are in content-store.ts, above the medium. Callers must not run two conflicting calls on one name.
 */
export interface Medium {
  readonly blobs: BlobFiles
  readonly partials: PartialFiles
  readonly uploads: UploadFiles
  /** Opens the medium and lists its content. Removes half-made leftovers, but never partials or uploads. */
  start(): Promise<Inventory>
  /** Flushes, closes everything and releases the folder. */
  stop(): Promise<void>
  /** Bytes that can still be written before the volume is full. */
  freeBytes(volume: Volume): Promise<number>
  /** Chooses the volume for a new item, from its digest or id and the free space. */
  choose(key: string): Volume
  readonly volumes: readonly Volume[]
  /** So many bytes are to stay free on each volume, from now on; for a medium that chooses among several. */
  keepFree?(bytes: number): void
  /** The broken volumes, each with the reason; found at the start or later. */
  readonly out: ReadonlyMap<Volume, string>
  /**
   * Calls `listener` for each volume found broken after the start: its content is lost and its files are not used
   * again.
   */
  onLost(listener: (volume: Volume) => void): void
}

/** A part of a medium with its own free space, such as a disk. */
export type Volume = string

/** What was found at the start. */
export interface Inventory {
  readonly blobs: readonly FoundBlob[]
  readonly partials: readonly FoundPartial[]
  readonly uploads: readonly FoundUpload[]
}

export interface FoundBlob {
  readonly digest: Digest
  readonly volume: Volume
  readonly size: number
  readonly usedAtMs: number
  readonly pinned: boolean
  /** When the bytes were last compared with the digest; undefined when that is not recorded. */
  readonly verifiedAtMs: number | undefined
}

export interface FoundPartial {
  readonly digest: Digest
  readonly volume: Volume
  readonly map: PieceMap
  /** Bytes of the pieces that the map of the partial lists. */
  readonly bytes: number
  readonly usedAtMs: number
}

export interface FoundUpload {
  readonly id: string
  readonly volume: Volume
  readonly size: number
  readonly usedAtMs: number
}

/** An item open for reading; it stays readable when its name is removed. */
export interface ReadHandle {
  /** Reads exactly the bytes of `range`, into `into` when given. @throws STORE_CORRUPT when there are fewer */
  read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  close(): Promise<void>
}

export interface UploadHandle extends ReadHandle {
  /** Writes the bytes from `position` on. Can be repeated after a failure. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** Cuts the file to `size` and sets the time of use. */
  settle(size: number, usedAtMs: number): Promise<void>
}

/**
 * The small files beside a blob: its sidecars, where the modification time of `label` is the time of the last
 * verification, and an empty file `pin` that marks a pinned blob.
 */
export type BesideName = SidecarName | 'pin'

/** The sidecars that come with a new blob. */
export type BesideBlob = ReadonlyMap<SidecarName, Uint8Array>

export interface BlobFiles {
  /** @throws BLOB_UNKNOWN */
  open(digest: Digest): Promise<ReadHandle>
  /** Random access without opening the file each time; reads into `into` when given. @throws BLOB_UNKNOWN */
  readAt(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  remove(digest: Digest): Promise<void>
  /**
   * Saves the time of use (`data`) or of verification (`label`, created when missing), so that a later start knows it.
   */
  touch(digest: Digest, file: 'data' | 'label', atMs: number): Promise<void>
  sidecar(digest: Digest, name: BesideName): Promise<Uint8Array | undefined>
  putSidecar(digest: Digest, name: BesideName, bytes: Uint8Array): Promise<void>
  /** Idempotent. */
  dropSidecar(digest: Digest, name: BesideName): Promise<void>
}

export interface UploadFiles {
  create(id: string, volume: Volume, usedAtMs: number): Promise<void>
  /** @throws BLOB_UPLOAD_UNKNOWN */
  open(id: string): Promise<UploadHandle>
  /**
   * Turns the upload into the blob of `digest`, durably, on the same volume, with what is to lie beside it. Returns the
   * names of what does: a small file that could not be written is left out.
   */
  promote(id: string, digest: Digest, usedAtMs: number, beside: BesideBlob): Promise<readonly SidecarName[]>
  remove(id: string): Promise<void>
}

export interface PartialFiles {
  /** Opens the partial or creates it on that volume; drops pieces that cannot be trusted. */
  open(digest: Digest, map: PieceMap, volume: Volume): Promise<PartialFile>
  /** Removes a partial that is not open. */
  remove(digest: Digest): Promise<void>
}

export interface PartialFile {
  /** The pieces that were there when the file was opened. */
  readonly found: Bitset
  /** The hash given to the `write` of a piece that is there; do not change it. */
  hashOf(piece: number): Uint8Array
  /** Writes the data, then the record that the piece is there. Can be repeated after a failure. */
  write(piece: number, bytes: Uint8Array, hash: Uint8Array): Promise<void>
  read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  /** Saves the time of use, so that a later start knows it. */
  touch(usedAtMs: number): Promise<void>
  /** Turns the partial into the blob of its digest, durably, on the same volume. Reading can go on. */
  promote(usedAtMs: number): Promise<void>
  /** Removes the partial because a blob with its digest exists. Reading goes on from that blob. */
  retire(): Promise<void>
  remove(): Promise<void>
}
