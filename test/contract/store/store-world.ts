import type { FakeClock } from '../../../lib/base/index.ts'
import type { ManagedStore, StoreInit } from '../../../lib/store/index.ts'
import type { RecordingMetrics } from '../../../lib/telemetry/index.ts'

export const KIB = 1024
export const CAPACITY = 100 * KIB

/** A promise that never settles. */
export const stuck = () => new Promise<never>(() => undefined)

/** One store under test and its surroundings. */
export interface StoreSubject {
  /** Started. */
  readonly store: ManagedStore
  readonly clock: FakeClock
  readonly metrics: RecordingMetrics
  /** Stops the store; returns it started again, or another store on the same data. */
  restart(): Promise<ManagedStore>
  /** Files that belong to no blob, partial blob or upload of the store. */
  leftovers(): Promise<readonly string[]>
  dispose(): Promise<void>
}

/** Shared by the tests of the suite; each test gets a fresh store. */
export interface StoreWorld {
  readonly store: ManagedStore
  readonly clock: FakeClock
  readonly metrics: RecordingMetrics
  /** Digests mapped to false must not be evicted. */
  readonly evictable: Map<string, boolean>
  restart(): Promise<void>
  /** Replaces the store by one with other limits. */
  remake(init: Partial<StoreInit>): Promise<void>
}
