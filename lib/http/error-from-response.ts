import { type AppError, appError, type ErrorCode, errorTable } from '../base/index.ts'
import { CODE_HEADER } from './error-envelope.ts'
import type { HttpResponse } from './http-client.ts'

const BODY_LIMIT = 64 * 1024

const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'REQUEST_INVALID',
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  412: 'BACKEND_PRECONDITION_FAILED',
  413: 'BODY_TOO_LARGE',
  416: 'RANGE_UNSATISFIABLE',
  429: 'TOOMANYREQUESTS',
  504: 'REQUEST_TIMEOUT',
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const knownCode = (value: unknown): ErrorCode | undefined =>
  typeof value === 'string' && Object.hasOwn(errorTable, value) ? (value as ErrorCode) : undefined

interface AnsweredError {
  readonly code?: unknown
  readonly message?: unknown
  readonly detail?: unknown
}

/** The first error in a body of either envelope. */
const errorIn = (body: unknown): AnsweredError => {
  if (!isRecord(body)) return {}
  const { error, errors } = body
  if (isRecord(error)) return error
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined
  return isRecord(first) ? first : {}
}

/** Rebuilds the error from an error answer of one of our services; consumes the body and never throws. */
export async function errorFromResponse(response: HttpResponse): Promise<AppError> {
  const fallback = codeByStatus[response.status] ?? (response.status >= 500 ? 'UNAVAILABLE' : 'UNKNOWN')
  const answered = errorIn(await response.json(BODY_LIMIT).catch(() => undefined))
  const { message } = answered
  const detail = isRecord(answered.detail) ? answered.detail : {}
  const { code: innerCode } = detail
  const code = knownCode(innerCode) ?? knownCode(answered.code) ?? knownCode(response.headers[CODE_HEADER])
  if (code === undefined) return appError(fallback, { detail: { status: response.status } })
  return appError(code, {
    ...(typeof message === 'string' && { message }),
    ...(Object.keys(detail).length > 0 && { detail }),
  })
}
