import type { Clock, Startable } from '../../lib/base/index.ts'
import type { ReadinessCheck } from '../../lib/service/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'

/** How long each part of a departure takes, milliseconds. */
export interface DepartureTimes {
  /** From the begin until clients are asked to go. */
  readonly afterMs: number
  /** How long a stop waits for them to go. */
  readonly closeMs: number
}

/** `leaving`: no new client should come. `closing`: those who are here are asked to come no more on their connections. */
export type DepartureState = 'serving' | 'leaving' | 'closing'

/**
 * How an agent goes that clients find by a name. A reader keeps the address for the TTL of the record, and its connection for
 * as long as it works: so the record goes first (by the readiness, or since the pod ends), then the TTL passes, then every
 * answer says that the connection is closed, and the reader asks for the name again. All is served until the end.
 */
export interface Departure {
  readonly state: DepartureState
  /** Begins to leave. Idempotent: it goes on from the first call. */
  leave(): void
  /** Stays after all. */
  stay(): void
  /** Not ready from the begin of a departure on. */
  readonly check: ReadinessCheck
  /** To be stopped before the listeners: its stop is a departure, and ends with it. */
  readonly part: Startable
}

export interface DepartureComponents {
  readonly clock: Clock
  readonly logger: Logger
}

export function departure({ clock, logger }: DepartureComponents, { afterMs, closeMs }: DepartureTimes): Departure {
  let begunMs: number | undefined
  const passedMs = () => (begunMs === undefined ? undefined : clock.monotonicMs() - begunMs)
  const state = (): DepartureState => {
    const passed = passedMs()
    if (passed === undefined) return 'serving'
    return passed < afterMs ? 'leaving' : 'closing'
  }
  const leave = () => {
    if (begunMs !== undefined) return
    begunMs = clock.monotonicMs()
    logger.info('leaves: it serves on, and clients are led elsewhere', { afterMs, closeMs })
  }
  return {
    get state() {
      return state()
    },
    leave,
    stay() {
      if (begunMs !== undefined) logger.info('stays')
      begunMs = undefined
    },
    check: () => (begunMs === undefined ? undefined : `${state()}: clients are led elsewhere`),
    part: {
      start: async () => {
        begunMs = undefined
      },
      async stop() {
        leave()
        const restMs = afterMs + closeMs - (passedMs() ?? 0)
        if (restMs > 0) await clock.sleep(restMs)
      },
    },
  }
}
