import type { Call } from './scripts.ts'

/** The command of a write, made when it is sent; undefined when it has no sense any more. */
export type Write = (nowMs: number) => Call | undefined

/** Writes by key, in the order in which they were given. A later write of a key takes the place of the earlier one. */
export interface WaitingWrites {
  /** False when the oldest had to make room. */
  put(key: string, write: Write): boolean
  has(key: string): boolean
  /** Removes the oldest ones, and returns them. */
  take(count: number): ReadonlyMap<string, Write>
  readonly size: number
}

export function waitingWrites(max: number): WaitingWrites {
  const writes = new Map<string, Write>()
  return {
    put(key, write) {
      // A later write stands where it was given, behind what was given before it.
      writes.delete(key)
      writes.set(key, write)
      const [oldest] = writes.keys()
      if (writes.size <= max || oldest === undefined) return true
      writes.delete(oldest)
      return false
    },
    has: (key) => writes.has(key),
    take(count) {
      const taken = new Map<string, Write>()
      for (const [key, write] of writes) {
        if (taken.size >= count) break
        taken.set(key, write)
        writes.delete(key)
      }
      return taken
    },
    get size() {
      return writes.size
    },
  }
}
