import { abortController, WAITS_OF_LIFE } from './abort.ts'
import type { Startable } from './lifecycle.ts'

/** Owns background tasks: `stop()` aborts and awaits the running ones, and a task that fails is reported. */
export interface Background extends Startable {
  /** Starts `work` at once, unless stopped. An abort after `stop()` does not count as a failure. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): void
  /** Number of running tasks. */
  readonly size: number
}

export function background(onFailure: (name: string, err: unknown) => void): Background {
  const controller = abortController(WAITS_OF_LIFE)
  const running = new Set<Promise<void>>()
  return {
    run(name, work) {
      if (controller.signal.aborted) return
      const task = work(controller.signal)
        .catch((err: unknown) => {
          if (!controller.signal.aborted) onFailure(name, err)
        })
        .finally(() => running.delete(task))
      running.add(task)
    },
    get size() {
      return running.size
    },
    start: () => Promise.resolve(),
    async stop() {
      controller.abort()
      await Promise.allSettled(running)
    },
  }
}
