/**
 * Reads of backends beyond the first of each blob, which all blobs that an origin brings share: so many blobs at once need
 * little more memory than one read each. Nobody waits for one: a blob that gets none goes on with what it reads.
 */
export interface SpareReads {
  /** False when all are in use. */
  take(): boolean
  give(): void
}

export function spareReads(count: number): SpareReads {
  let free = count
  return {
    take() {
      if (free === 0) return false
      free -= 1
      return true
    },
    give() {
      free += 1
    },
  }
}
