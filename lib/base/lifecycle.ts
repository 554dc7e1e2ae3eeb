/** A part that is constructed without effects, then started, then stopped. Both calls are idempotent. */
export interface Startable {
  /** @throws the error that made the start fail; everything already started is stopped first */
  start(): Promise<void>
  /** Does not throw for a part that was never started. */
  stop(): Promise<void>
}

/**
 * Combines several parts: starts them in order and stops them in reverse. When a start fails, the parts already started
 * are stopped and the error is rethrown. `stop` stops every part, even when one fails, and then rethrows the first
 * failure.
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
