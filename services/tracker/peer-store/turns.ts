/** Lets some work run at a time, and some more wait for its turn. */
export interface Turns {
  /** Undefined when too much waits already. Rejects as the work does. */
  run(work: () => Promise<void>): Promise<void> | undefined
}

export function turns({ atOnce, waiting }: { readonly atOnce: number; readonly waiting: number }): Turns {
  const queue: (() => void)[] = []
  let running = 0

  const next = () => {
    const begin = queue.shift()
    if (begin === undefined) running -= 1
    else begin()
  }
  return {
    run(work) {
      if (running < atOnce) {
        running += 1
        return work().finally(next)
      }
      if (queue.length >= waiting) return undefined
      return new Promise<void>((resolve) => queue.push(resolve)).then(work).finally(next)
    },
  }
}
