/** Bytes of memory that many share. Nobody waits for it: who gets nothing makes do with less. */
export interface ByteBudget {
  /** Takes all of the bytes, or nothing. Returns whether they were taken; give them back with `give`. */
  take(bytes: number): boolean
  give(bytes: number): void
  /** Bytes that are taken now. */
  readonly takenBytes: number
}

export function byteBudget(maxBytes: number): ByteBudget {
  let takenBytes = 0
  return {
    take(bytes) {
      if (takenBytes + bytes > maxBytes) return false
      takenBytes += bytes
      return true
    },
    give(bytes) {
      takenBytes -= bytes
    },
    get takenBytes() {
      return takenBytes
    },
  }
}
