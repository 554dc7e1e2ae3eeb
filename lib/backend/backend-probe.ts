import { abortable, background, type Clock, codeOf, deadline, isAbort, type Startable } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'
import type { ProbedBackend } from './backends.ts'

export interface BackendProbeInit {
  /** Pause between two questions; default 5 s. */
  readonly intervalMs?: number
  /** Longest wait for an answer; default 5 s. */
  readonly timeoutMs?: number
}

/** Knows whether a backend answers, for a readiness check that must not wait. */
export interface BackendProbe extends Startable {
  /** The reason why the backend cannot be used; undefined when it answered the last time. */
  readonly check: () => string | undefined
}

/** Need not exist: that it is absent is an answer too, also of a backend in which it cannot exist. */
export const PROBED_KEY = 'probe'

/** Asks once while starting, then again and again. A backend that does not answer does not fail the start. */
export function backendProbe(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  backend: Pick<Backend, 'stat'>,
  { intervalMs = 5_000, timeoutMs = 5_000 }: BackendProbeInit = {},
): BackendProbe {
  let reason: string | undefined
  const tasks = background((_name, err) => logger.error('failed to probe the backend', { err }))

  const ask = async (signal?: AbortSignal) => {
    const limit = deadline(clock, timeoutMs, signal)
    const before = reason
    try {
      await abortable(backend.stat(PROBED_KEY, { signal: limit.signal }), limit.signal)
      reason = undefined
      if (before !== undefined) logger.info('the backend answers again')
    } catch (err) {
      if (signal?.aborted === true) return
      reason = reasonOf(isAbort(err) ? 'REQUEST_TIMEOUT' : (codeOf(err) ?? 'UNKNOWN'))
      if (before === undefined) logger.warn('the backend does not answer', { err })
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

const REASONS: Readonly<Record<string, string>> = {
  BACKEND_DENIED: 'refuses the credentials',
  BACKEND_READ_ONLY: 'is read-only',
  BACKEND_REFUSED: 'refuses what it is asked',
  BACKEND_THROTTLED: 'asks to slow down',
}

function reasonOf(code: string): string {
  return `the backend ${REASONS[code] ?? 'does not answer'} (${code})`
}

/** A probe of each of the backends, and a check of each by its name. */
export function backendProbes(
  components: { readonly clock: Clock; readonly logger: Logger },
  backends: readonly ProbedBackend[],
  init: BackendProbeInit = {},
): Startable & { readonly checks: Readonly<Record<string, BackendProbe['check']>> } {
  const probes = backends.map(({ name, backend }) => ({
    name: `backend for ${name}`,
    probe: backendProbe({ ...components, logger: components.logger.child({ backend: name }) }, backend, init),
  }))
  return {
    // All at once: one that does not answer must not keep the others waiting.
    async start() {
      await Promise.all(probes.map(({ probe }) => probe.start()))
    },
    async stop() {
      await Promise.all(probes.map(({ probe }) => probe.stop()))
    },
    checks: Object.fromEntries(probes.map(({ name, probe }) => [name, probe.check])),
  }
}
