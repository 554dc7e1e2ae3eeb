import type { Bitset } from '../base/index.ts'
import type { ByteRange, Digest, PieceMap } from '../core/index.ts'
import type { SidecarName } from './blob-store.ts'

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
  /** Bytes that can still be written to the volume before it is full. */
  freeBytes(volume: Volume): Promise<number>
  /** Where something new goes, by its digest or id and by who has room. */
  choose(key: string): Volume
  readonly volumes: readonly Volume[]
  /** Why volumes are out, by volume; they were found broken at the start or since. */
  readonly out: ReadonlyMap<Volume, string>
  /** Called for each volume that is found broken after the start: what lay there is gone, and its files are not asked. */
  onLost(listener: (volume: Volume) => void): void
}

/** A part of a medium with room of its own, such as a disk. */
export type Volume = string

/** What a start found. */
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
  /** When its bytes were last compared with its digest; undefined when nobody has written that down. */
  readonly verifiedAtMs: number | undefined
}

export interface FoundPartial {
  readonly digest: Digest
  readonly volume: Volume
  readonly map: PieceMap
  /** Bytes of the pieces that its map names. */
  readonly bytes: number
  readonly usedAtMs: number
}

export interface FoundUpload {
  readonly id: string
  readonly volume: Volume
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
 * The small files beside a blob: its sidecars, where the label's time of change is the time of the last verification;
 * and a mark, empty, that it is pinned.
 */
export type BesideName = SidecarName | 'pin'

export interface BlobFiles {
  /** @throws BLOB_UNKNOWN */
  open(digest: Digest): Promise<ReadHandle>
  /** Reads without the cost of opening each time, into `into` when given. @throws BLOB_UNKNOWN */
  readAt(digest: Digest, range: ByteRange, into?: Uint8Array): Promise<Uint8Array>
  remove(digest: Digest): Promise<void>
  /** Notes the time of use (`data`) or of verification (`label`, made when missing), so that a later start knows it. */
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
  /** Makes it the blob of `digest`, durably, on the same volume. */
  promote(id: string, digest: Digest, usedAtMs: number): Promise<void>
  remove(id: string): Promise<void>
}

export interface PartialFiles {
  /** Opens what is there or creates it, on that volume; pieces that cannot be trusted are dropped first. */
  open(digest: Digest, map: PieceMap, volume: Volume): Promise<PartialFile>
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
  /** Makes it the blob of its digest, durably, on the same volume. Reading goes on. */
  promote(usedAtMs: number): Promise<void>
  /** Removes what is left because a blob of its digest is there. Reading goes on from that one. */
  retire(): Promise<void>
  remove(): Promise<void>
}
