/** Counts, by key, the callers that want something kept. */
export interface Leases {
  /** Call the result to release the lease; a second call does nothing. */
  take(key: string): () => void
  held(key: string): boolean
}

export function leases(): Leases {
  const counts = new Map<string, number>()
  return {
    take(key) {
      counts.set(key, (counts.get(key) ?? 0) + 1)
      let released = false
      return () => {
        if (released) return
        released = true
        const left = (counts.get(key) ?? 1) - 1
        if (left === 0) counts.delete(key)
        else counts.set(key, left)
      }
    },
    held: (key) => counts.has(key),
  }
}
