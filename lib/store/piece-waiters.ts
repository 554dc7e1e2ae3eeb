import { type AbortOptions, abortable, type Deferred, deferred } from '../base/index.ts'

/** Keeps who waits for which piece. */
export interface PieceWaiters {
  /** Resolves when the piece arrives. @throws ABORTED, or the reason given to `fail` */
  wait(piece: number, options?: AbortOptions): Promise<void>
  arrived(piece: number): void
  /** All waiting callers fail with `reason`. */
  fail(reason: Error): void
  readonly count: number
}

export function pieceWaiters(): PieceWaiters {
  const waiting = new Map<number, { readonly arrival: Deferred<void>; waiters: number }>()
  let count = 0
  return {
    async wait(piece, options = {}) {
      const entry = waiting.get(piece) ?? { arrival: deferred(), waiters: 0 }
      waiting.set(piece, entry)
      entry.waiters += 1
      count += 1
      try {
        await abortable(entry.arrival.promise, options.signal)
      } finally {
        entry.waiters -= 1
        count -= 1
        if (entry.waiters === 0 && waiting.get(piece) === entry) waiting.delete(piece)
      }
    },
    arrived(piece) {
      waiting.get(piece)?.arrival.resolve()
      waiting.delete(piece)
    },
    fail(reason) {
      for (const { arrival } of waiting.values()) arrival.reject(reason)
      waiting.clear()
    },
    get count() {
      return count
    },
  }
}
