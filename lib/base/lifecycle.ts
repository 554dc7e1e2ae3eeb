/** Construct without effects, then `start`, then `stop`; both idempotent. */
export interface Startable {
  /** @throws whatever made the start fail; what had started is stopped again. */
  start(): Promise<void>
  /** Never throws for a part that did not start. */
  stop(): Promise<void>
}

/**
 * Several parts as one: started in order, stopped in reverse. A failed start stops what had started and rethrows;
 * every part's `stop` is called even when an earlier one fails, and the first failure is rethrown at the end.
 */
export function lifecycle(parts: readonly Startable[]): Startable {
  const started: Startable[] = []
  let state: Promise<void> = Promise.resolve()
  let running = false

  const stopAll = async () => {
    let failure: { readonly err: unknown } | undefined
    for (let part = started.pop(); part !== undefined; part = started.pop()) {
      try {
        await part.stop()
      } catch (err) {
        failure ??= { err }
      }
    }
    if (failure !== undefined) throw failure.err
  }

  const startAll = async () => {
    try {
      for (const part of parts) {
        await part.start()
        started.push(part)
      }
    } catch (err) {
      await stopAll().catch(() => undefined)
      running = false
      throw err
    }
  }

  const enqueue = (step: () => Promise<void>) => {
    state = state.catch(() => undefined).then(step)
    return state
  }

  return {
    start: () =>
      enqueue(async () => {
        if (running) return
        running = true
        await startAll()
      }),
    stop: () =>
      enqueue(async () => {
        if (!running) return
        running = false
        await stopAll()
      }),
  }
}
