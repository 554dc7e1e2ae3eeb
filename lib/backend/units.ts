import type { ObjectStat } from './backend.ts'

/** How an object is read in any order, by one request for each run of units. */
export type ObjectUnits = Pick<ObjectStat, 'unitBytes' | 'runBytes'>

/**
 * Bytes of one unit: long enough for few requests, and so short that one at 100 MB/s takes no longer than two round
 * trips.
 */
const UNIT_BYTES = 4 * 1024 * 1024
/** Units side by side that are all wanted are one request of so many bytes at most. */
export const RUN_BYTES = 16 * 1024 * 1024

export const backendUnits = { unitBytes: UNIT_BYTES, runBytes: RUN_BYTES } as const satisfies ObjectUnits
