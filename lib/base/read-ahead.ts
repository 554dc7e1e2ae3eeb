import { byteBudget } from './byte-budget.ts'

/** Bytes in front of readers, of all streams of the process. */
const AHEAD_BYTES = 64 * 1024 * 1024

/**
 * The memory of this process for bytes that were read for somebody outside and have perhaps not been sent yet: of stored
 * blobs and of those that are arriving. A stream that finds it used up goes on with less memory.
 */
export const readAhead = byteBudget(AHEAD_BYTES)
