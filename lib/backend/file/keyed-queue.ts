import { type AbortOptions, abortable } from '../../base/index.ts'

/** Runs the tasks of one key one after the other, in order; tasks of different keys run in parallel. */
export interface KeyedQueue {
  /** @throws ABORTED when the signal fires before the task's turn; then the task does not run */
  run<T>(key: string, task: () => Promise<T>, options?: AbortOptions): Promise<T>
}

export function keyedQueue(): KeyedQueue {
  const tails = new Map<string, Promise<unknown>>()
  return {
    async run(key, task, options = {}) {
      const before = tails.get(key) ?? Promise.resolve()
      const turn = abortable(before, options.signal).then(task)
      const tail = Promise.allSettled([before, turn])
      tails.set(key, tail)
      try {
        return await turn
      } finally {
        if (tails.get(key) === tail) tails.delete(key)
      }
    },
  }
}
