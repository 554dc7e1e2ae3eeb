import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/index.ts'

/** What a request to a store does; stands in metrics. */
export type StoreOperation = 'stat' | 'read' | 'write' | 'list' | 'delete'

/**
 * Stands between a driver and its store, one for each store that a config names: it keeps to the store's request rate
 * and bandwidth, tries again what may succeed later, and notices when nothing moves any more. Drivers send every
 * request through it and keep no retries or rates of their own.
 */
export interface Governor {
  /**
   * Waits for its turn (request rate), then runs `work`; again, with jitter and under a budget, when it throws a
   * retryable code (BACKEND_UNAVAILABLE, BACKEND_THROTTLED with `detail.retryAfterMs` where the store named one).
   * `work` is one request that may be repeated as it is; its signal also fires when nothing answers in time.
   * @throws what `work` threw last, BACKEND_UNAVAILABLE when no answer came in time, ABORTED
   */
  request<T>(operation: StoreOperation, work: (signal: AbortSignal) => Promise<T>, options?: AbortOptions): Promise<T>
  /**
   * The same bytes at no more than the store's bandwidth. Destroying it destroys `body`; it fails with
   * BACKEND_UNAVAILABLE when no byte came for the stall time although somebody is reading.
   */
  received(body: Readable): Readable
  /** Waits until `bytes` more may be sent. @throws ABORTED */
  sending(bytes: number, options?: AbortOptions): Promise<void>
}
