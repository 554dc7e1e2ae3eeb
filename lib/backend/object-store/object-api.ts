import type { AbortOptions } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectPage, ObjectRead, ObjectStat } from '../backend.ts'

/** Set at most one of the two. When it does not hold: BACKEND_PRECONDITION_FAILED. */
export interface ObjectCondition {
  /** Require that there is no object with this key. */
  readonly ifAbsent?: boolean
  /** Require that the object has this etag. */
  readonly ifMatch?: string
}

/** Controls how fast bytes are sent. */
export interface Pacing {
  /**
   * Await it before each chunk, with the length of the chunk. It keeps to the backend's bandwidth, and reports progress
   * of the request, which otherwise would have to finish within the answer timeout.
   */
  readonly pace: (bytes: number) => Promise<void>
}

/**
 * The requests of S3, TOS and similar object stores, one method each: without retries, rates and parts;
 * `objectStoreBackend` builds a Backend on it. Every method sends one repeatable HTTP request and maps the backend's
 * errors: BACKEND_UNAVAILABLE (no connection, 5xx, a body cut short), BACKEND_THROTTLED (429, 503 SlowDown and the
 * quota codes; with `detail.retryAfterMs` if given), BACKEND_DENIED (401, 403), BACKEND_PRECONDITION_FAILED (409, 412),
 * BACKEND_REFUSED (a final refusal, see `outcomes.ts`) or ABORTED.
 */
export interface ObjectApi {
  /** Undefined when there is no such object; a missing bucket is BACKEND_UNAVAILABLE with a message that says so. */
  head(key: string, options: AbortOptions): Promise<ObjectStat | undefined>
  /**
   * The object or a non-empty `range` of it; `size` is the size of the whole object. A range that exceeds the object is
   * cut at its end; a range that begins at or after the end (any range of an empty object) is RANGE_UNSATISFIABLE. With
   * `ifMatch`, only that version. A body that ends early fails with BACKEND_UNAVAILABLE. A backend without ranges sends
   * more bytes than the range; the caller cuts them off.
   */
  get(
    key: string,
    options: AbortOptions & { readonly range?: ByteRange; readonly ifMatch?: string },
  ): Promise<ObjectRead | undefined>
  /** Writes the whole object from memory; the backend checks it against a checksum of the bytes. */
  put(key: string, bytes: Uint8Array, options: AbortOptions & Pacing & ObjectCondition): Promise<ObjectStat>
  /** Deleting a missing object is not an error. */
  delete(key: string, options: AbortOptions & { readonly ifMatch?: string }): Promise<void>
  /** One page in ascending byte order; `limit` is 1 to 1000. */
  list(prefix: string, options: AbortOptions & { readonly after?: string; readonly limit: number }): Promise<ObjectPage>
}

/** One part that the backend has accepted; `number` counts from 1. */
export interface ObjectPart {
  readonly number: number
  readonly etag: string
  /** A checksum that some backends require back at the end. */
  readonly checksum?: string
}

/** Objects that are sent in parts; nothing is visible before `complete`. Errors as in `ObjectApi`. */
export interface MultipartApi {
  /** Returns the id of the upload. */
  create(key: string, options: AbortOptions): Promise<string>
  /** A part may be sent again with the same number. */
  part(
    key: string,
    bytes: Uint8Array,
    options: AbortOptions & Pacing & { readonly uploadId: string; readonly number: number },
  ): Promise<ObjectPart>
  /**
   * The parts in ascending order; all but the last have the same size, at least 5 MiB; `size` is that of the object.
   */
  complete(
    key: string,
    parts: readonly ObjectPart[],
    options: AbortOptions & ObjectCondition & { readonly uploadId: string; readonly size: number },
  ): Promise<ObjectStat>
  /** Aborting a missing upload is not an error. */
  abort(key: string, uploadId: string, options: AbortOptions): Promise<void>
}
