import type { Readable } from 'node:stream'
import type { AbortOptions, Startable } from '../../../lib/base/index.ts'
import type { BlobRef, ByteRange, ReadPriority } from '../../../lib/core/index.ts'
import type { StoredBlob } from '../../../lib/store/index.ts'
import type { Holding } from '../ring/siblings.ts'
import type { IngestReport } from './ingest-report.ts'
import type { ArrivingPieces, IntakeReading } from './intake.ts'

export interface IngestOptions extends AbortOptions {
  /**
   * The request came from another origin: then look here and at the backend, read it, follow the origin that reads it,
   * or refuse.
   */
  readonly hop: boolean
}

export interface WantOptions extends IngestOptions {
  readonly priority: ReadPriority
}

export interface ArrivingOptions extends IngestOptions {
  /** All of the blob is wanted; default: what others ask for. */
  readonly whole?: boolean | undefined
}

/** The pieces of a blob that is brought at least until `release` is called; call it. */
export interface HeldPieces {
  readonly pieces: ArrivingPieces
  readonly release: () => void
}

/** How a range is read. */
export type ReadingOptions = Omit<IntakeReading, 'inTurn'>

/** A blob that is here or is being brought. */
export interface OpenBlob {
  /** Bytes of the whole blob. */
  readonly size: number
  /**
   * The bytes of `range`; returns when the first of them is here. While the blob is being brought they are asked for,
   * come as they arrive and are unverified, except for the last 64 KiB, which wait until the digest is right, unless the
   * range stands alone. The stream fails when the blob cannot be brought.
   */
  readonly read: (range: ByteRange, options?: ReadingOptions) => Promise<Readable>
}

/**
 * Brings blobs that this origin lacks. It is the entrance for all blobs; `IngestRun` brings a single one. The first
 * healthy owner on the ring reads the backend, the others read from that owner meanwhile, and no origin brings a blob
 * twice at a time: so each byte leaves the backend once per cluster. When the reader dies, the next owner goes on with
 * the bytes that the living origins have. A blob that nobody wants any more is not brought to its end: what has come stays,
 * and whoever wants it later goes on from there. Stop it before the local store.
 */
export interface Ingest extends Startable {
  /** Size in bytes, without fetching. @throws BLOB_UNKNOWN, BACKEND_UNAVAILABLE */
  size(blob: BlobRef, options?: IngestOptions): Promise<number>
  /** Wants all of the blob. @throws BLOB_UNKNOWN, DIGEST_REFUSED, NOT_OWNER, BACKEND_CORRUPT, BACKEND_UNAVAILABLE, STORE_FULL */
  ensure(blob: BlobRef, options: IngestOptions): Promise<StoredBlob>
  /** Opens a blob; returns once its size is known. @throws as `ensure` */
  open(blob: BlobRef, options: IngestOptions): Promise<OpenBlob>
  /** What comes of a blob that is being brought; undefined when the blob is complete here. @throws as `ensure` */
  arriving(blob: BlobRef, options: ArrivingOptions): Promise<HeldPieces | undefined>
  /**
   * Asks for ranges of the blob, which is brought if it is not here; returns once they are asked for. They may go beyond
   * the blob. @throws as `ensure`
   */
  want(blob: BlobRef, ranges: readonly ByteRange[], options: WantOptions): Promise<void>
  /** What is here at this moment. `asker` names an origin that is about to read the backend. @throws DIGEST_REFUSED */
  holding(blob: BlobRef, options?: { readonly asker?: string | undefined }): Promise<Holding>
  /** Opens a range of the bytes that are here, unverified; never waits for more. @throws RANGE_UNSATISFIABLE */
  openHeld(blob: BlobRef, range: ByteRange, options?: AbortOptions): Promise<Readable>
}

/** How it ends well. */
export interface IngestEnding {
  /**
   * Before a stop: begins with no other blob any more, and resolves when those under way that somebody wants have come to
   * their end. @throws ABORTED
   */
  finish(options?: AbortOptions): Promise<void>
}

/** What an operator may know of it. */
export interface IngestInspection {
  /** The blobs that are being brought, in no particular order. */
  underWay(): readonly IngestReport[]
}
