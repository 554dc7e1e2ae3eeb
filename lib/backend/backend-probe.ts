import { abortable, background, type Clock, codeOf, deadline, isAbort, type Startable } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Backend } from './backend.ts'
import type { ProbedBackend } from './backends.ts'

export interface BackendProbeInit {
  /** Pause between two probes; default 5 s. */
  readonly intervalMs?: number
  /** Longest wait for an answer; default 5 s. */
  readonly timeoutMs?: number
}

/** Checks regularly whether a backend answers, for a readiness check that must not wait. */
export interface BackendProbe extends Startable {
  /** The reason why the backend cannot be used; undefined when the last probe was answered. */
  readonly check: () => string | undefined
}

/** The object need not exist: absence is an answer too, even from a backend that cannot hold this key. */
export const PROBED_KEY = 'probe'

/** Probes once during the start, and then at intervals. The start does not fail when the backend does not answer. */
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

/** A probe for each backend, and its check by name. */
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
    // All at the same time: a backend that does not answer must not delay the others.
    async start() {
      await Promise.all(probes.map(({ probe }) => probe.start()))
    },
    async stop() {
      await Promise.all(probes.map(({ probe }) => probe.stop()))
    },
    checks: Object.fromEntries(probes.map(({ name, probe }) => [name, probe.check])),
  }
}
