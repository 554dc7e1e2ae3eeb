/** Runs the work on one key one at a time, in the order of the calls; different keys do not wait for each other. */
export interface KeyedLock {
  /** Deadlocks when called for the same key from within `work`. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Whether work on the key is running or waiting. */
  busy(key: string): boolean
}

export function keyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>()
  return {
    async run(key, work) {
      const before = tails.get(key) ?? Promise.resolve()
      const turn = before.then(work)
      const tail = turn.catch(() => undefined)
      tails.set(key, tail)
      try {
        return await turn
      } finally {
        if (tails.get(key) === tail) tails.delete(key)
      }
    },
    busy: (key) => tails.has(key),
  }
}
