import { abortable, background, type Clock, codeOf, deadline, isAbort, type Startable } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'

export interface BackendProbeInit {
  /** Pause between two questions; default 5 s. */
  readonly intervalMs?: number
  /** Longest wait for an answer; default 5 s. */
  readonly timeoutMs?: number
}

/** Knows whether a store answers, for a readiness check that must not wait. */
export interface BackendProbe extends Startable {
  /** The reason why the store cannot be used; undefined when it answered the last time. */
  readonly check: () => string | undefined
}

/** Need not exist: that it is absent is an answer too, also of a store in which it cannot exist. */
export const PROBED_KEY = 'probe'

/** Asks once while starting, then again and again. A store that does not answer does not fail the start. */
export function backendProbe(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  backend: Pick<Backend, 'stat'>,
  { intervalMs = 5_000, timeoutMs = 5_000 }: BackendProbeInit = {},
): BackendProbe {
  let reason: string | undefined
  const tasks = background((_name, err) => logger.error('failed to probe the store', { err }))

  const ask = async (signal?: AbortSignal) => {
    const limit = deadline(clock, timeoutMs, signal)
    const before = reason
    try {
      await abortable(backend.stat(PROBED_KEY, { signal: limit.signal }), limit.signal)
      reason = undefined
      if (before !== undefined) logger.info('the store answers again')
    } catch (err) {
      if (signal?.aborted === true) return
      reason = `the store does not answer (${isAbort(err) ? 'REQUEST_TIMEOUT' : (codeOf(err) ?? 'UNKNOWN')})`
      if (before === undefined) logger.warn('the store does not answer', { err })
    } finally {
      limit.release()
    }
  }

  return {
    check: () => reason,
    async start() {
      await ask()
      tasks.run('probe', async (signal) => {
        while (!signal.aborted) {
          await clock.sleep(intervalMs, { signal })
          await ask(signal)
        }
      })
    },
    stop: () => tasks.stop(),
  }
}
