import type { AppError } from '../base/index.ts'
import type { Headers } from './answers.ts'

const carried = new WeakMap<AppError, Headers>()

/** Gives an error the headers that its answer carries besides the usual ones. Throw what it returns. */
export function refusal(err: AppError, headers: Headers): AppError {
  carried.set(err, headers)
  return err
}

/** What `refusal` gave to this very error, and when to try again if its detail says so. */
export function headersOf(err: AppError): Headers {
  const waitMs = err.status === 503 ? err.detail?.['retryAfterMs'] : undefined
  const wait = typeof waitMs === 'number' && waitMs > 0 ? { 'retry-after': Math.ceil(waitMs / 1000) } : {}
  return { ...wait, ...carried.get(err) }
}
