import type { FakeClock } from '../../../lib/base/index.ts'
import type { ManagedStore, StoreInit } from '../../../lib/store/index.ts'
import type { RecordingMetrics } from '../../../lib/telemetry/index.ts'

export const KIB = 1024
export const CAPACITY = 100 * KIB

/** A source that never gives anything. */
export const stuck = () => new Promise<never>(() => undefined)

/** One store under test and the world around it. */
export interface StoreSubject {
  /** Started. */
  readonly store: ManagedStore
  readonly clock: FakeClock
  readonly metrics: RecordingMetrics
  /** Stops the store and starts it, or another one in its place. */
  restart(): Promise<ManagedStore>
  /** Whatever lies about that no blob, partial or upload of the store accounts for. */
  leftovers(): Promise<readonly string[]>
  dispose(): Promise<void>
}

/** What the tests of the suite share: a fresh store for each. */
export interface StoreWorld {
  readonly store: ManagedStore
  readonly clock: FakeClock
  readonly metrics: RecordingMetrics
  /** Digests set to false may not be evicted. */
  readonly evictable: Map<string, boolean>
  restart(): Promise<void>
  /** Another store instead, with other limits. */
  remake(init: Partial<StoreInit>): Promise<void>
}
