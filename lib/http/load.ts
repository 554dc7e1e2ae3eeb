import type { IncomingMessage } from 'node:http'
import { appError, type Clock } from '../base/index.ts'
import type { Counter, Family, Metrics } from '../telemetry/index.ts'
import { clientOf } from './client-of.ts'
import type { FullPlace } from './connection-slots.ts'
import { type FairGate, fairGate } from './fair-gate.ts'
import { refusal } from './refusal.ts'

/** What keeps a connection busy for long; everything else is control, and passes without a limit. */
export type Load = 'uploads' | 'downloads'

/** What the load of a request follows from. */
export interface LoadedRequest {
  readonly method: string
  readonly path: string
  readonly hasBody: boolean
}

export interface LoadLimits {
  readonly loadOf: (request: LoadedRequest) => Load | undefined
  /** Most at the same time, of all clients. */
  readonly max: Readonly<Record<Load, number>>
  /** Share of each that one client may have. */
  readonly clientShare: number
}

/** What limits may refuse or end at a listener. */
export type ListenerLimit = Load | 'requests' | 'forwards' | 'slow_head' | 'slow_body' | 'slow_reader' | FullPlace

/** Most requests that wait for a place, as a multiple of the places. */
const WAITING_SHARE = 0.5
/** Longest wait for a place: a client that is told to come later would wait about as long. */
const WAIT_MS = 10_000
const RETRY_AFTER_SECONDS = 5

/** Counts what the limits of listeners refused or ended. */
export function limitRefusals(metrics: Metrics): Family<Counter, 'listener' | 'limit'> {
  const help = 'Requests and connections that a limit of the listener refused or ended.'
  return metrics.counter({ name: 'shoal_http_limited_total', help }, ['listener', 'limit'])
}

/** Waits for the place of a request; the result leaves it. @throws LISTENER_BUSY, ABORTED */
export type EnterLoad = (
  request: { readonly req: IncomingMessage; readonly path: string },
  signal: AbortSignal,
) => Promise<() => void>

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

export function loadGates(
  { clock, onRefused }: { readonly clock: Pick<Clock, 'setTimer'>; readonly onRefused: (limit: Load) => void },
  limits: LoadLimits | undefined,
): EnterLoad {
  if (limits === undefined) return async () => () => undefined
  const gateOf = (load: Load): FairGate => {
    const max = limits.max[load]
    return fairGate(clock, {
      max,
      clientShare: limits.clientShare,
      maxWaiting: Math.ceil(max * WAITING_SHARE),
      waitMs: WAIT_MS,
      refused() {
        onRefused(load)
        const err = appError('LISTENER_BUSY', { detail: { limit: load } })
        return refusal(err, { 'retry-after': RETRY_AFTER_SECONDS })
      },
    })
  }
  const gates: Readonly<Record<Load, FairGate>> = { uploads: gateOf('uploads'), downloads: gateOf('downloads') }
  return async ({ req, path }, signal) => {
    const load = limits.loadOf({ method: req.method ?? '', path, hasBody: hasBody(req) })
    return load === undefined ? () => undefined : gates[load].enter(clientOf(req), { signal })
  }
}
