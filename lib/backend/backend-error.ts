import { type AppError, appError } from '../base/index.ts'
import { retryAfterMs } from '../http/index.ts'
import { outcomeOf } from './outcomes.ts'

/** How a backend refused a request. */
export interface BackendRefusal {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined
  /** The backend's own error name, e.g. `SlowDown`. */
  readonly reason?: string | undefined
  /** Value of the Retry-After header: seconds, or a date. */
  readonly retryAfter?: string | undefined
  /** The current time, milliseconds since the epoch; used when Retry-After is a date. */
  readonly nowMs: number
  /** Replaces the message of the error table by a more specific one. */
  readonly message?: string | undefined
  /** The backend's id of this request, for a question to its support. */
  readonly requestId?: string | undefined
  readonly cause?: unknown
}

/** The AppError for an unsuccessful answer; every driver uses it, so that all backends report failures alike. */
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
