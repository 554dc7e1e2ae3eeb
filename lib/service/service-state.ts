import type { Startable } from '../base/index.ts'
import type { ReadinessCheck } from './ops-routes.ts'

/** Whether a service serves, for its own readiness: not before its start is through, not once its stop has begun. */
export interface ServiceState {
  readonly check: ReadinessCheck
  /** The service's life with its state kept. */
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
