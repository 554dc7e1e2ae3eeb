import { type AppError, appError } from '../base/index.ts'
import { outcomeOf } from './outcomes.ts'

/** How a backend said no. */
export interface BackendRefusal {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined
  /** The backend's own name for it, e.g. `SlowDown`. */
  readonly reason?: string | undefined
  /** Text of the header Retry-After: seconds, or a date. */
  readonly retryAfter?: string | undefined
  /** Milliseconds since the epoch, for a Retry-After that is a date. */
  readonly nowMs: number
  /** Replaces the table's sentence where more is known. */
  readonly message?: string | undefined
  /** What the backend calls this request, for its support. */
  readonly requestId?: string | undefined
  readonly cause?: unknown
}

const LONGEST_WAIT_MS = 5 * 60_000

/** Milliseconds that a Retry-After names, at most five minutes; undefined when it is absent or malformed. */
export function retryAfterMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(waitMs) ? undefined : Math.min(LONGEST_WAIT_MS, Math.max(0, waitMs))
}

/** The error of the table for an answer that is no success; every driver speaks of its backend in these words. */
export function backendError(refusal: BackendRefusal): AppError {
  const { status, reason, requestId, message, cause } = refusal
  const waitMs = retryAfterMs(refusal.retryAfter, refusal.nowMs)
  return appError(outcomeOf(refusal).code, {
    ...(message === undefined ? {} : { message }),
    detail: {
      ...(status === undefined ? {} : { status }),
      ...(reason === undefined ? {} : { reason }),
      ...(requestId === undefined ? {} : { requestId }),
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    },
    cause,
  })
}
