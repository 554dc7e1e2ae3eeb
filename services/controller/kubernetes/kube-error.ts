import { type AppError, appError, type ErrorCode, hasCode } from '../../../lib/base/index.ts'
import type { HttpResponse } from '../../../lib/http/index.ts'
import { isJson, type Json } from './object.ts'

/** Most bytes of an answer that says what went wrong. */
const MAX_STATUS_BYTES = 256 * 1024
/** Most of its words that are passed on. */
const MAX_MESSAGE = 1024

const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'KUBE_UNAUTHORIZED',
  403: 'KUBE_FORBIDDEN',
  404: 'KUBE_NOT_FOUND',
  409: 'KUBE_CONFLICT',
  410: 'KUBE_GONE',
  429: 'KUBE_THROTTLED',
}

const SECOND_MS = 1000

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

function codeOf(status: number, reason: string | undefined): ErrorCode {
  if (reason === 'AlreadyExists') return 'KUBE_EXISTS'
  if (reason === 'Expired' || reason === 'Gone') return 'KUBE_GONE'
  return codeByStatus[status] ?? (status >= 400 && status < 500 ? 'KUBE_INVALID' : 'KUBE_UNAVAILABLE')
}

/** Seconds that the server asks to wait: in the header, else in its words. */
function retryAfterMs(header: string | undefined, details: Json): number | undefined {
  const seconds = Number(header ?? details['retryAfterSeconds'])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * SECOND_MS : undefined
}

/** The error that a `Status` of the API stands for. `header` is that of Retry-After. */
export function errorFromStatus(httpStatus: number, body: unknown, header?: string): AppError {
  const status: Json = isJson(body) ? body : {}
  const inner = status['code']
  const code = typeof inner === 'number' ? inner : httpStatus
  const reason = textOf(status['reason'])
  const waitMs = retryAfterMs(header, isJson(status['details']) ? status['details'] : {})
  const message = textOf(status['message'])
  return appError(codeOf(code, reason), {
    ...(message !== undefined && { message: message.slice(0, MAX_MESSAGE) }),
    detail: {
      status: code,
      ...(reason !== undefined && { reason }),
      ...(waitMs !== undefined && { retryAfterMs: waitMs }),
    },
  })
}

/** The error that an answer other than 2xx stands for; consumes its body. @throws ABORTED */
export async function errorFromAnswer(response: HttpResponse): Promise<AppError> {
  const body = await response.json(MAX_STATUS_BYTES).catch((err: unknown) => {
    if (hasCode(err, 'ABORTED')) throw err
    return undefined
  })
  return errorFromStatus(response.status, body, response.headers['retry-after'])
}

/** An API that does not answer has one code, however it does not. All other errors pass. */
export function unreachable(err: unknown): unknown {
  if (!hasCode(err, 'PEER_CLOSED', 'REQUEST_TIMEOUT', 'STALLED', 'CONNECTIONS_BUSY')) return err
  return appError('KUBE_UNAVAILABLE', { cause: err })
}
