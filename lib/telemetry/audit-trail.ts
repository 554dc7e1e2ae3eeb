import type { Clock, Timer } from '../base/index.ts'
import type { Logger } from './logger.ts'

/** What somebody did, or was not let do. */
export interface AuditEvent {
  /** The kind of caller, such as the name of the secret that was shown. */
  readonly who: string
  /** Address that the caller came from. */
  readonly from: string
  /** Such as `POST /drain`. */
  readonly what: string
  /** A status, or the code of the refusal. */
  readonly outcome: string | number
  readonly requestId?: string
  /** What was stored, when the answer says it. */
  readonly digest?: string
}

/** Tells admin actions, changes of a registry and refusals in the log, each as a line of its own. */
export interface AuditTrail {
  acted(event: AuditEvent): void
  /** Somebody has pushed or deleted something. */
  changed(event: AuditEvent): void
  /**
   * Beyond a few lines from one address in one minute, refusals are only counted, and told in one line at its end: a flood
   * must not fill the disk with lines. `mild`: what every client does once to learn that it has to log in.
   */
  refused(event: AuditEvent, init?: { readonly mild?: boolean }): void
  /** Tells what has only been counted. */
  flush(): void
}

/** Refusals from one address that are told one by one in one minute. */
const MAX_REFUSALS_TOLD = 10
/** Addresses that are counted apart in one minute; all others are counted together. */
const MAX_REFUSED_SOURCES = 100
const WINDOW_MS = 60_000
const OTHERS = 'other addresses'

export function auditTrail({ logger, clock }: { readonly logger: Logger; readonly clock: Clock }): AuditTrail {
  const refusals = new Map<string, number>()
  let window: Timer | undefined
  const sourceOf = (from: string) => (refusals.has(from) || refusals.size < MAX_REFUSED_SOURCES ? from : OTHERS)
  const flush = () => {
    window?.cancel()
    window = undefined
    for (const [from, count] of refusals) {
      const more = count - MAX_REFUSALS_TOLD
      if (more > 0) logger.warn('further refusals', { audit: 'refusal', from, count: more })
    }
    refusals.clear()
  }
  return {
    acted: (event) => logger.info('admin action', { audit: 'action', ...event }),
    changed: (event) => logger.info('registry changed', { audit: 'change', ...event }),
    refused(event, { mild = false } = {}) {
      window ??= clock.setTimer(WINDOW_MS, flush, { background: true })
      const source = sourceOf(event.from)
      const count = (refusals.get(source) ?? 0) + 1
      refusals.set(source, count)
      if (count <= MAX_REFUSALS_TOLD) logger[mild ? 'info' : 'warn']('refused', { audit: 'refusal', ...event })
    },
    flush,
  }
}
