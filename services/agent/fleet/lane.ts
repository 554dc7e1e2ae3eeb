import { abortable } from '../../../lib/base/index.ts'

/** Lets some work run at a time; further work waits for its turn. */
export interface Lane {
  /** Rejects as the work does. @throws ABORTED, also while it waits */
  run(work: () => Promise<void>, signal: AbortSignal): Promise<void>
}

export function lane(atOnce: number): Lane {
  const queue: (() => void)[] = []
  let running = 0
  const next = () => {
    const begin = queue.shift()
    if (begin === undefined) running -= 1
    else begin()
  }
  return {
    async run(work, signal) {
      if (running >= atOnce) await abortable(turnIn(queue, signal), signal)
      else running += 1
      try {
        await work()
      } finally {
        next()
      }
    },
  }
}

/** A turn that comes after its caller has left is no turn. */
function turnIn(queue: (() => void)[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    queue.push(resolve)
    const leave = () => {
      const at = queue.indexOf(resolve)
      if (at >= 0) queue.splice(at, 1)
    }
    signal.addEventListener('abort', leave, { once: true })
  })
}
