import type { AbortOptions } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectPage, ObjectRead, ObjectStat } from '../backend.ts'

/** At most one of the two; what does not hold is BACKEND_PRECONDITION_FAILED. */
export interface ObjectCondition {
  /** Only when there is no object under the key. */
  readonly ifAbsent?: boolean
  /** Only when the object's etag is this one. */
  readonly ifMatch?: string
}

/** How fast bytes may be sent. */
export interface Pacing {
  /**
   * To be awaited before each chunk goes out, with its length: it keeps to the backend's bandwidth, and shows that the
   * request makes progress, which would otherwise have to be over within the time for an answer.
   */
  readonly pace: (bytes: number) => Promise<void>
}

/**
 * What S3, TOS and their kin offer, a method for each request: no retries, no rates, no parts; `objectStoreBackend`
 * makes a Backend of it. Every method is one HTTP request that may be repeated, and turns the backend's error into
 * BACKEND_UNAVAILABLE (no connection, 5xx, a body cut short), BACKEND_THROTTLED (429, 503 SlowDown and the quota codes;
 * `detail.retryAfterMs` where it was named), BACKEND_DENIED (401, 403), BACKEND_PRECONDITION_FAILED (409, 412),
 * BACKEND_REFUSED (what it refuses for good, see `outcomes.ts`) or
 * ABORTED.
 */
export interface ObjectApi {
  /** Undefined when there is no such object; a missing bucket is BACKEND_UNAVAILABLE with a sentence that says so. */
  head(key: string, options: AbortOptions): Promise<ObjectStat | undefined>
  /**
   * The object or `range` of it, which is not empty; `size` is the whole object's. A range that goes beyond the end is
   * cut there, one that begins at the end or behind it (any range of an empty object) is RANGE_UNSATISFIABLE. With
   * `ifMatch` only that version. A body that ends early fails with BACKEND_UNAVAILABLE; one with bytes behind the
   * range, from a backend that knows no ranges, is cut by the caller.
   */
  get(
    key: string,
    options: AbortOptions & { readonly range?: ByteRange; readonly ifMatch?: string },
  ): Promise<ObjectRead | undefined>
  /** Writes it whole, from memory, checked by the backend against a checksum of the bytes. */
  put(key: string, bytes: Uint8Array, options: AbortOptions & Pacing & ObjectCondition): Promise<ObjectStat>
  /** Removing what is not there is no error. */
  delete(key: string, options: AbortOptions & { readonly ifMatch?: string }): Promise<void>
  /** One page, ascending in byte order; `limit` is 1 to 1000. */
  list(prefix: string, options: AbortOptions & { readonly after?: string; readonly limit: number }): Promise<ObjectPage>
}

/** One part that the backend has taken; `number` counts from 1. */
export interface ObjectPart {
  readonly number: number
  readonly etag: string
  /** What the backend asks back of it at the end, where it does. */
  readonly checksum?: string
}

/** Objects sent in parts: nothing is visible before `complete`. Errors as in `ObjectApi`. */
export interface MultipartApi {
  /** Returns the id of the upload. */
  create(key: string, options: AbortOptions): Promise<string>
  /** May be sent again under the same number. */
  part(
    key: string,
    bytes: Uint8Array,
    options: AbortOptions & Pacing & { readonly uploadId: string; readonly number: number },
  ): Promise<ObjectPart>
  /**
   * The parts in ascending order; all but the last have the same size, 5 MiB at least; `size` is that of the object.
   */
  complete(
    key: string,
    parts: readonly ObjectPart[],
    options: AbortOptions & ObjectCondition & { readonly uploadId: string; readonly size: number },
  ): Promise<ObjectStat>
  /** Aborting what is not there is no error. */
  abort(key: string, uploadId: string, options: AbortOptions): Promise<void>
}
