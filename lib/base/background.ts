import { setMaxListeners } from 'node:events'
import type { Startable } from './lifecycle.ts'

/** Fire-and-forget, owned: what runs is aborted and awaited by `stop()`, what fails is reported. */
export interface Background extends Startable {
  /** Starts `work` at once unless stopped. An abort after `stop()` is not a failure. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): void
  /** Tasks under way. */
  readonly size: number
}

export function background(onFailure: (name: string, err: unknown) => void): Background {
  const controller = new AbortController()
  // One listener for each task under way is no leak.
  setMaxListeners(0, controller.signal)
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
