import type { AppError } from '../base/index.ts'
import type { Headers } from './answers.ts'

const carried = new WeakMap<AppError, Headers>()

/** Gives an error the headers that its answer carries besides the usual ones. Throw what it returns. */
export function refusal(err: AppError, headers: Headers): AppError {
  carried.set(err, headers)
  return err
}

/** What `refusal` gave to this very error. */
export function headersOf(err: AppError): Headers {
  return carried.get(err) ?? {}
}
