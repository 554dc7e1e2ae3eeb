import type { Bitset } from '../base/index.ts'
import type { ByteRange, Digest, PieceMap } from '../core/index.ts'

/**
 * Where the bytes of a store lie: files, or memory. The rules (who may write, what is evicted, what a caller is told)
 * stand above it, once, in content-store.ts. Whoever calls these sees to it that no two calls fight over one name.
 */
export interface Medium {
  readonly blobs: BlobFiles
  readonly partials: PartialFiles
  readonly uploads: UploadFiles
  /** Takes possession and says what is there. Half-made leftovers are removed; partials and uploads never are. */
  start(): Promise<Inventory>
  /** Flushes, closes everything and gives the place up. */
  stop(): Promise<void>
  /** Bytes that can still be written before the medium itself is full. */
  freeBytes(): Promise<number>
}

/** What a start found. */
export interface Inventory {
  readonly blobs: readonly FoundBlob[]
  readonly partials: readonly FoundPartial[]
  readonly uploads: readonly FoundUpload[]
}

export interface FoundBlob {
  readonly digest: Digest
  readonly size: number
  readonly usedAtMs: number
  readonly pinned: boolean
  /** When its bytes were last compared with its digest; undefined when nobody has written that down. */
  readonly verifiedAtMs: number | undefined
}

export interface FoundPartial {
  readonly digest: Digest
  readonly map: PieceMap
  /** Bytes of the pieces that its map names. */
  readonly bytes: number
  readonly usedAtMs: number
}

export interface FoundUpload {
  readonly id: string
  readonly size: number
  readonly usedAtMs: number
}

/** Something open for reading; stays readable when its name is removed. */
export interface ReadHandle {
  /** Exactly the bytes of `range`. @throws STORE_CORRUPT when there are fewer */
  read(range: ByteRange): Promise<Uint8Array>
  close(): Promise<void>
}

export interface UploadHandle extends ReadHandle {
  /** Writes the chunks one after the other from `position` on. May be repeated after a failure. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>
  /** Cuts off what lies behind `size` and notes the time of use. */
  settle(size: number, usedAtMs: number): Promise<void>
}

/**
 * The small files beside a blob: hashes of its pieces; what the service above notes of it, whose time of change is the
 * time of the last verification; and a mark, empty, that it is pinned.
 */
export type SidecarName = 'pieces' | 'label' | 'pin'

export interface BlobFiles {
  /** @throws BLOB_UNKNOWN */
  open(digest: Digest): Promise<ReadHandle>
  /** Reads without the cost of opening each time, into `into` when given. @throws BLOB_UNKNOWN */
  readAt(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  remove(digest: Digest): Promise<void>
  /** Notes the time of use (`data`) or of verification (`label`, made when missing), so that a later start knows it. */
  touch(digest: Digest, file: 'data' | 'label', atMs: number): Promise<void>
  sidecar(digest: Digest, name: SidecarName): Promise<Uint8Array | undefined>
  putSidecar(digest: Digest, name: SidecarName, bytes: Uint8Array): Promise<void>
  /** Idempotent. */
  dropSidecar(digest: Digest, name: SidecarName): Promise<void>
}

export interface UploadFiles {
  create(id: string, usedAtMs: number): Promise<void>
  /** @throws BLOB_UPLOAD_UNKNOWN */
  open(id: string): Promise<UploadHandle>
  /** Makes it the blob of `digest`, durably. */
  promote(id: string, digest: Digest, usedAtMs: number): Promise<void>
  remove(id: string): Promise<void>
}

export interface PartialFiles {
  /** Opens what is there or creates it; pieces that cannot be trusted are dropped first. */
  open(digest: Digest, map: PieceMap): Promise<PartialFile>
  /** Removes one that is not open. */
  remove(digest: Digest): Promise<void>
}

export interface PartialFile {
  /** The pieces that were there when it was opened. */
  readonly found: Bitset
  /** The data first, then the note that it is there. May be repeated after a failure. */
  write(piece: number, bytes: Uint8Array, hash: Uint8Array): Promise<void>
  read(range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  /** Notes the time of use, so that a later start knows it. */
  touch(usedAtMs: number): Promise<void>
  /** Makes it the blob of its digest, durably. Reading goes on. */
  promote(usedAtMs: number): Promise<void>
  /** Removes what is left because a blob of its digest is there. Reading goes on from that one. */
  retire(): Promise<void>
  remove(): Promise<void>
}
