import { abortable } from './abort.ts'
import type { AbortOptions } from './clock.ts'
import { type Deferred, deferred } from './deferred.ts'

/** Lets so many pieces of work run at once; the others wait in their order. */
export interface Slots {
  /** @throws ABORTED while it waits */
  run<T>(work: () => Promise<T>, options?: AbortOptions): Promise<T>
  /** Pieces of work that wait. */
  readonly waiting: number
}

export function slots(count: number): Slots {
  let free = count
  const waiting = new Set<Deferred<void>>()

  const enter = async ({ signal }: AbortOptions) => {
    if (free > 0) {
      free -= 1
      return
    }
    const turn = deferred()
    waiting.add(turn)
    try {
      await abortable(turn.promise, signal)
    } catch (err) {
      // Whoever gave the turn has taken it off the list: it goes on to the next one.
      if (!waiting.delete(turn)) leave()
      throw err
    }
  }
  const leave = () => {
    const [next] = waiting
    if (next === undefined) {
      free += 1
      return
    }
    waiting.delete(next)
    next.resolve()
  }

  return {
    async run(work, options = {}) {
      await enter(options)
      try {
        return await work()
      } finally {
        leave()
      }
    },
    get waiting() {
      return waiting.size
    },
  }
}
