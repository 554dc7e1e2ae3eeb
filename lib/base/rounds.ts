import { abortController } from './abort.ts'
import { anySignal } from './any-signal.ts'
import { isAbort } from './app-error.ts'
import { background } from './background.ts'
import type { Clock } from './clock.ts'
import { type Deferred, deferred } from './deferred.ts'
import type { Startable } from './lifecycle.ts'

/** Repeated work, one round at a time: at the start, after each pause, and on request. */
export interface Rounds extends Startable {
  /** Requests a round: ends the pause, or lets the next round follow the current one at once. */
  ask(): void
}

export interface RoundsInit {
  /** Does one round; returns the pause after it in milliseconds. */
  readonly work: (signal: AbortSignal) => Promise<number>
  readonly onFailure: (err: unknown) => void
  /** The pause after a failed round, milliseconds. */
  readonly retryMs: number
}

export function rounds(clock: Clock, init: RoundsInit): Rounds {
  let asked: Deferred<void> = deferred()
  let tasks = background(() => undefined)

  const round = async (signal: AbortSignal): Promise<number> => {
    try {
      return await init.work(signal)
    } catch (err) {
      if (!isAbort(err)) init.onFailure(err)
      return init.retryMs
    }
  }

  const pause = async (pauseMs: number, signal: AbortSignal): Promise<void> => {
    const over = abortController()
    const time = clock.sleep(pauseMs, { signal: anySignal([signal, over.signal]) }).catch(() => undefined)
    await Promise.race([time, asked.promise])
    over.abort()
  }

  const loop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      asked = deferred()
      await pause(await round(signal), signal)
    }
  }

  return {
    ask: () => asked.resolve(),
    async start() {
      if (tasks.size > 0) return
      tasks = background((_, err) => init.onFailure(err))
      tasks.run('rounds', loop)
    },
    stop: () => tasks.stop(),
  }
}
