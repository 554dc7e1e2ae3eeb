/** A bound on bytes held at once; whoever takes gives back. Who takes looks at the bound first. */
export interface BufferBudget {
  readonly maxBytes: number
  readonly usedBytes: number
  take(bytes: number): void
  give(bytes: number): void
}

export function bufferBudget(maxBytes: number): BufferBudget {
  let used = 0
  return {
    maxBytes,
    take(bytes) {
      used += bytes
    },
    give(bytes) {
      used -= bytes
    },
    get usedBytes() {
      return used
    },
  }
}
