import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { AbortOptions } from '../base/index.ts'
import {
  type ByteRange,
  type Digest,
  type PullClass,
  type ReadPriority,
  type Repository,
  readPriorities,
} from '../core/index.ts'
import type { KnownBlobOptions } from './blob-path.ts'
import { list, text } from './bounded.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'
import { peerInfoSchema } from './tracker.ts'

/** Route patterns of the origin; docs/endpoints.md has a row for each. */
export const originRoutes = {
  blob: '/namespace/:namespace/blobs/:digest',
  metainfo: '/namespace/:namespace/blobs/:digest/metainfo',
  holding: '/namespace/:namespace/blobs/:digest/holding',
  held: '/namespace/:namespace/blobs/:digest/held',
  demand: '/namespace/:namespace/blobs/:digest/demand',
  send: '/namespace/:namespace/blobs/:digest/send',
  uploads: '/namespace/:namespace/uploads',
  upload: '/namespace/:namespace/uploads/:id',
} as const

/** `1` marks a request from another origin: it must not be forwarded again. */
export const HOP_HEADER = 'x-shoal-hop'
/** Offset in the upload at which the body of a PATCH starts, in bytes. */
export const OFFSET_HEADER = 'x-shoal-offset'

/** Who uploads, as the caller of an origin sees its own client: text of at most 64 characters without spaces. */
export const CLIENT_HEADER = 'x-shoal-client'

/**
 * The key of the agent that asks for a range, from which its peer id follows: nobody else can ask in its name. The origin
 * may answer ORIGIN_BUSY. Other clients do not send it.
 */
export const ASKER_HEADER = 'x-shoal-asker'

/**
 * How urgent the bytes are (`readPriorities`), of a blob that the origin still brings; without it, or with another value,
 * somebody waits for them.
 */
export const PRIORITY_HEADER = 'x-shoal-priority'

/**
 * How important the read is beside others (`pullClasses`): what leaves this origin is shared by these classes. Without it, or
 * with another value, `normal`.
 */
export const CLASS_HEADER = 'x-shoal-class'

/**
 * `1` on a range that is all that its reader wants: no whole body is made of it. Then its bytes are given before the
 * digest of the whole is known, also the last ones of the blob. Nobody sets it who continues a body that broke.
 */
export const STANDS_ALONE_HEADER = 'x-shoal-stands-alone'

/** The detail of ORIGIN_BUSY. */
export const originBusySchema = z.object({
  /** So many pieces from the first one on may be had; the caller asks again for those alone. */
  pieces: byteCountSchema,
  retryAfterMs: byteCountSchema.max(60_000),
  /** Who has what is wanted. */
  peers: list(peerInfoSchema, 16),
})

/**
 * Set on a PUT from another origin: the copy is acknowledged only when the task to write it to the backend is durable,
 * too. The value is the rank of the task, a whole number: rank 0 writes at once, the others check later whether the
 * blob is missing in the backend.
 */
export const WRITE_BACK_HEADER = 'x-shoal-write-back'

/** State of an upload session. `member` names the origin that holds it; all requests of the session go there. */
export const uploadStateSchema = z.object({ id: text(256).min(1), member: text(128), size: byteCountSchema })
export type UploadState = z.infer<typeof uploadStateSchema>

export const uploadDoneSchema = z.object({ digest: digestSchema, size: byteCountSchema })

/** Ranges that an origin may have of a blob; neighbours are joined, so that it has few. */
const MAX_RANGES = 100_000

/**
 * What one origin has of a blob, and whether it reads the blob from the backend or is about to. Ranges are pairs of
 * start and end.
 */
export const holdingSchema = z.object({
  size: byteCountSchema.optional(),
  ranges: list(z.tuple([byteCountSchema, byteCountSchema]), MAX_RANGES),
  verified: z.boolean(),
  claim: z.enum(['none', 'asking', 'reading']),
  /** The whole blob is there, and the origin keeps it. */
  keeps: z.boolean(),
})
export type HoldingAnswer = z.infer<typeof holdingSchema>

/** Ranges of one demand: as many as one request for a blob may name. */
const MAX_DEMANDED = 1024

/** What is wanted of a blob before the rest, as pairs of start and end; a range may go beyond the blob. */
export const demandSchema = z.object({
  ranges: list(
    z.tuple([byteCountSchema, byteCountSchema]).refine(([start, end]) => start < end, 'must end behind its start'),
    MAX_DEMANDED,
  ),
  priority: z.enum(readPriorities),
})

export interface DemandOptions extends AbortOptions {
  readonly ranges: readonly ByteRange[]
  readonly priority: ReadPriority
}

export interface HopOptions extends KnownBlobOptions {
  /** The request comes from another origin. */
  readonly hop?: boolean
}

export interface HoldingOptions extends AbortOptions {
  readonly asker?: string | undefined
  readonly leaving?: string | undefined
  /** Longest wait for the answer, milliseconds; default `holdingMs`. */
  readonly withinMs?: number | undefined
}

/** Longest waits for the header of an origin's answer, in milliseconds; docs/limits.md gives the reasons. */
export const originTimeouts = {
  /** Metainfo: the header is sent before the blob is brought, so an origin that stays silent has a problem. */
  metainfoMs: 3_000,
  /** What an origin has of a blob; the origin looks nowhere else for it. */
  holdingMs: 2_000,
  /**
   * For a blob that the origin may have to bring first; restarts whenever the origin reports that it is still working.
   */
  bringMs: 300_000,
  /** Between two chunks sent to another origin, which gets whole pieces: up to 1 MiB each, from a slow backend. */
  pieceMs: 60_000,
  /** For a request body; restarts with each chunk that is transferred. */
  takeMs: 60_000,
  /** For closing an upload: the origin has to write replicas and the backend first. */
  commitMs: 900_000,
} as const

/** While metainfo is looked for, its reader hears this often that somebody does, so that a slow backend is no sick origin. */
export const METAINFO_BEAT_MS = 1_000

/** A range that is read of a blob. */
export interface AskedRange extends ByteRange {
  /** See `STANDS_ALONE_HEADER`; a mark of the range, so that a range made anew for the rest of a body never has it. */
  readonly standsAlone?: boolean | undefined
}

export interface ReadBlobOptions extends HopOptions {
  readonly range?: AskedRange | undefined
  /** See `PRIORITY_HEADER`. */
  readonly priority?: ReadPriority | undefined
  /** See `CLASS_HEADER`. */
  readonly pullClass?: PullClass | undefined
  /** The key of the agent for whose swarm the range is. */
  readonly asker?: string | undefined
  /** Waits for an origin that has to bring the blob first; default: the usual wait for a request. */
  readonly patient?: boolean | undefined
}

export interface BlobBody {
  /** Size of the whole blob in bytes. */
  readonly size: number
  /** The requested range, or the whole blob. Must be consumed or destroyed. */
  readonly body: Readable
}

/** A copy of a blob that is sent to another origin. */
export interface CopyBody extends HopOptions {
  readonly body: Readable
  readonly size: number
  /** See `WRITE_BACK_HEADER`. */
  readonly writeBackRank?: number | undefined
}

export interface OpenHashesOptions extends KnownBlobOptions {
  /** The origin brings all of the blob; default: what is asked for, and the rest as `ingest.fill` says. */
  readonly whole?: boolean | undefined
}

/** Blobs of one origin. */
export interface OriginBlobs {
  /**
   * Undefined when neither the origin nor the backend has the blob. With `keep` it is about to be linked: what is found
   * is in the backend or on its way there, and does not go before it can be linked.
   */
  statBlob(
    repository: Repository,
    digest: Digest,
    options?: HopOptions & { readonly keep?: boolean | undefined },
  ): Promise<{ readonly size: number } | undefined>
  /**
   * @throws BLOB_UNKNOWN, RANGE_UNSATISFIABLE, NOT_OWNER, DIGEST_REFUSED, and with `asker` ORIGIN_BUSY, whose detail
   * fits `originBusySchema`
   */
  readBlob(repository: Repository, digest: Digest, options?: ReadBlobOptions): Promise<BlobBody>
  /**
   * Asks for at most 1,024 ranges of the blob, which the origin brings if it lacks it; does not wait for the bytes.
   * @throws BLOB_UNKNOWN, NOT_OWNER, DIGEST_REFUSED, TOOMANYREQUESTS
   */
  demand(repository: Repository, digest: Digest, wanted: DemandOptions): Promise<void>
  /**
   * What the origin has now; it does not fetch. `asker` is an origin that is about to read the backend: when two
   * origins ask each other, the one whose id sorts first reads. `leaving` is a member that wants to leave and give up
   * its copy: blobs it keeps are reported as if it were gone. @throws DIGEST_REFUSED
   */
  holding(repository: Repository, digest: Digest, options?: HoldingOptions): Promise<HoldingAnswer>
  /**
   * A range of what the origin has, unverified and without fetching. @throws RANGE_UNSATISFIABLE when part of it is
   * missing
   */
  readHeld(
    repository: Repository,
    digest: Digest,
    options: AbortOptions & { readonly range: ByteRange },
  ): Promise<BlobBody>
  /**
   * Sends a copy; returns when the copy, and with `writeBackRank` also its task, is durable there.
   * @throws DIGEST_INVALID, WRITE_BACK_FULL
   */
  putBlob(repository: Repository, digest: Digest, content: CopyBody): Promise<void>
  /** The bytes of the metainfo stream, for `decodeMetainfo`. Must be consumed or destroyed. @throws BLOB_UNKNOWN */
  openMetainfo(repository: Repository, digest: Digest, options?: OpenHashesOptions): Promise<Readable>
}

export interface OpenUploadOptions extends AbortOptions {
  /** Who uploads: each client has its share of all uploads. Default: the caller itself. */
  readonly client?: string | undefined
}

/** Upload sessions of one origin. @throws BLOB_UPLOAD_UNKNOWN when the session does not exist (any more) */
export interface OriginUploads {
  /** @throws UPLOADS_FULL */
  createUpload(repository: Repository, options?: OpenUploadOptions): Promise<UploadState>
  uploadStatus(repository: Repository, id: string, options?: AbortOptions): Promise<UploadState>
  /** Appends; bytes received before a connection broke are kept. @throws UPLOAD_OFFSET, UPLOAD_CONFLICT, UPLOADS_FULL */
  appendUpload(
    repository: Repository,
    id: string,
    part: { readonly offset: number; readonly body: Readable | Uint8Array } & AbortOptions,
  ): Promise<UploadState>
  /** Returns when every live owner and the backend have the blob. @throws DIGEST_INVALID when the bytes do not match */
  commitUpload(
    repository: Repository,
    id: string,
    end: { readonly digest: Digest } & AbortOptions,
  ): Promise<{ readonly digest: Digest; readonly size: number }>
  cancelUpload(repository: Repository, id: string, options?: AbortOptions): Promise<void>
}

/** One origin over HTTP. Errors are those that the origin answered, or those of the HTTP client. */
export type OriginClient = OriginBlobs & OriginUploads
