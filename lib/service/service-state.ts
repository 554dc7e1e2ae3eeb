import type { Startable } from '../base/index.ts'
import type { ReadinessCheck } from './ops-routes.ts'

/** Whether a service is ready: from the end of its start until the beginning of its stop. */
export interface ServiceState {
  readonly check: ReadinessCheck
  /** Wraps the service's lifecycle and keeps the state up to date. */
  around(life: Startable): Startable
}

export function serviceState(): ServiceState {
  let reason: string | undefined = 'the service is starting'
  return {
    check: () => reason,
    around: (life) => ({
      async start() {
        await life.start()
        reason = undefined
      },
      async stop() {
        reason = 'the service is shutting down'
        await life.stop()
      },
    }),
  }
}
