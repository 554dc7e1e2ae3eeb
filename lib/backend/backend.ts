import type { Readable } from 'node:stream'
import type { AbortOptions, Startable } from '../base/index.ts'
import type { ByteRange } from '../core/index.ts'

export interface ObjectStat {
  /** Bytes. */
  readonly size: number
  /** Changes with every write of other content; opaque. */
  readonly etag: string
}

export interface ObjectRead extends ObjectStat {
  /** The bytes asked for. Destroying it stops the read. A body cut short is an error, never a silent end. */
  readonly body: Readable
}

export interface WriteOptions extends AbortOptions {
  /** Bytes that `source` will give; a different count fails the write and leaves nothing. */
  readonly size: number
  /** Only when there is no object under the key. */
  readonly ifAbsent?: boolean
  /** Only when the object's etag is this one. */
  readonly ifMatch?: string
}

export interface ObjectPage {
  /** In ascending byte order of the key. */
  readonly keys: readonly string[]
  /** Pass as `after` to go on; undefined at the end. */
  readonly next: string | undefined
}

/**
 * Remote storage. Keys are `/`-separated segments of `[A-Za-z0-9._:-]`, none of them `.` or `..`, 1024 bytes at most.
 * Every method: @throws BACKEND_UNAVAILABLE (the backend does not answer; may be tried again), BACKEND_THROTTLED (it
 * asks to slow down, and the retries are used up), BACKEND_DENIED (it refuses the credentials), BACKEND_REFUSED or a code that says
 * more (it refuses this request for good, see `outcomes.ts`), ABORTED,
 * BACKEND_KEY_INVALID. A backend that takes no writes answers `write` and `delete` with BACKEND_READ_ONLY, one that
 * cannot list answers `list` with UNSUPPORTED. Where keys name their content (a registry), `write` refuses content of
 * another digest with DIGEST_INVALID, every method refuses other keys with BACKEND_KEY_INVALID, and a condition is
 * looked at once, before. Methods may be called in parallel; for one key the last write that returned wins.
 */
export interface Backend extends Startable {
  /** Undefined when there is no such object. An outage is an error, never undefined. */
  stat(key: string, options?: AbortOptions): Promise<ObjectStat | undefined>
  /**
   * Undefined when there is no such object. An object that is replaced while it is read is read on as it was or fails
   * with BACKEND_UNAVAILABLE, never a mixture. @throws RANGE_UNSATISFIABLE when the range ends behind the object
   */
  read(key: string, options?: AbortOptions & { readonly range?: ByteRange }): Promise<ObjectRead | undefined>
  /**
   * Atomic and durable: readers see the old or the new object whole, and once it returned it survives a power loss.
   * Idempotent for equal content. A source stream is read to its end or destroyed, also when the write fails; what it
   * fails with is passed on. @throws BACKEND_PRECONDITION_FAILED, SIZE_INVALID
   */
  write(key: string, source: Readable | Uint8Array, options: WriteOptions): Promise<ObjectStat>
  /** Keys that start with `prefix` and come after `after` (any text); `limit` is at least 1 and defaults to 1000. */
  list(
    prefix: string,
    options?: AbortOptions & { readonly after?: string; readonly limit?: number },
  ): Promise<ObjectPage>
  /** Removing what is not there is no error, on whatever condition. @throws BACKEND_PRECONDITION_FAILED */
  delete(key: string, options?: AbortOptions & { readonly ifMatch?: string }): Promise<void>
}
