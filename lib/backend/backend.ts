import type { Readable } from 'node:stream'
import type { AbortOptions, Startable } from '../base/index.ts'
import type { ByteRange } from '../core/index.ts'
import type { Urgency } from './urgency.ts'

export interface ObjectStat {
  /** Bytes. */
  readonly size: number
  /** Opaque; changes whenever other content is written. */
  readonly etag: string
  /**
   * The object can be read in ranges of so many bytes, in any order and several at a time, each for one request; 1 to
   * 8 MiB, a power of two. Told to who asks with `thenRead`. Undefined: it is read best front to back, in one read.
   */
  readonly unitBytes?: number | undefined
  /** Most bytes of units side by side that may be read in one request; default: one unit. */
  readonly runBytes?: number | undefined
  /**
   * Nobody knows yet whether the server obeys ranges. The first read shows it, and should be alone until it is answered:
   * one that does not gives the whole (`ReadObjectOptions.orWhole`).
   */
  readonly isUnproven?: boolean | undefined
}

export interface ObjectRead extends ObjectStat {
  /** The requested bytes. Destroying it stops the read. When the body is cut short, it fails; it never just ends. */
  readonly body: Readable
  /** The body is all of the object, although a range was asked for: see `ReadObjectOptions.orWhole`. */
  readonly isWhole?: true | undefined
}

export interface WriteOptions extends AbortOptions {
  /** Number of bytes in `source`; with another number the write fails and leaves nothing behind. */
  readonly size: number
  /** Write only when there is no object with this key. */
  readonly ifAbsent?: boolean
  /** Write only when the object has this etag. */
  readonly ifMatch?: string
}

/** What a reader knows of an object. */
export interface ReadHints {
  /**
   * It is a manifest. Registries hold manifests and blobs in two places; whoever says which one spares them a look into
   * the other. Without it, or when it is wrong, both are looked into.
   */
  readonly as?: 'manifest' | undefined
}

export interface StatOptions extends AbortOptions, ReadHints {
  /** The caller is about to read the whole object: a backend may open it at once, and give it to that read. */
  readonly thenRead?: boolean
}

export interface ReadObjectOptions extends AbortOptions, ReadHints {
  readonly range?: ByteRange
  /** Where the server ignores the range and sends everything, the answer is everything, and not cut to the range. */
  readonly orWhole?: boolean | undefined
  /** Where reads wait for each other, the most urgent one is first. Default: somebody waits for it. */
  readonly urgency?: Urgency | undefined
}

export interface ObjectPage {
  /** In ascending byte order of the key. */
  readonly keys: readonly string[]
  /** Pass it as `after` to get the next page; undefined on the last page. */
  readonly next: string | undefined
}

/**
 * Remote storage. A key is `/`-separated segments of `[A-Za-z0-9._:-]`, none of them `.` or `..`, of at most 1024
 * bytes. Methods may be called in parallel; for one key, the last write that returned wins.
 *
 * Every method: @throws BACKEND_UNAVAILABLE (the backend does not answer; may be retried), BACKEND_THROTTLED (it asks
 * to slow down, and the retries are used up), BACKEND_DENIED (it refuses the credentials), BACKEND_REFUSED or a more
 * specific code (it refuses this request for good, see `outcomes.ts`), ABORTED, BACKEND_KEY_INVALID.
 *
 * A read-only backend answers `write` and `delete` with BACKEND_READ_ONLY; a backend that cannot list answers `list`
 * with UNSUPPORTED. In a registry, keys name their content: there, `write` refuses content with another digest
 * (DIGEST_INVALID), every method refuses other keys (BACKEND_KEY_INVALID), and a condition is checked only once, before
 * the write.
 */
export interface Backend extends Startable {
  /** Undefined when there is no such object. An outage is an error, never undefined. */
  stat(key: string, options?: StatOptions): Promise<ObjectStat | undefined>
  /**
   * Undefined when there is no such object. When the object is replaced during the read, the read goes on with the old
   * content or fails with BACKEND_UNAVAILABLE; it never mixes the two. @throws RANGE_UNSATISFIABLE when the range ends
   * beyond the object
   */
  read(key: string, options?: ReadObjectOptions): Promise<ObjectRead | undefined>
  /**
   * Atomic and durable: readers see either the old or the new object as a whole, and after the return it survives a
   * power loss. Idempotent for equal content. A source stream is always read to its end or destroyed, also when the
   * write fails; an error of the source is passed on. @throws BACKEND_PRECONDITION_FAILED, SIZE_INVALID
   */
  write(key: string, source: Readable | Uint8Array, options: WriteOptions): Promise<ObjectStat>
  /** Keys that start with `prefix` and sort after `after` (any text); `limit` is at least 1, default 1000. */
  list(
    prefix: string,
    options?: AbortOptions & { readonly after?: string; readonly limit?: number },
  ): Promise<ObjectPage>
  /** Deleting a missing object is not an error, whatever the condition. @throws BACKEND_PRECONDITION_FAILED */
  delete(key: string, options?: AbortOptions & { readonly ifMatch?: string }): Promise<void>
}
