import type { Readable } from 'node:stream'
import { type AbortOptions, type AppError, appError, codeOf, isAppError } from '../../base/index.ts'
import { backendError } from '../backend-error.ts'
import { outcomeByStatus } from '../outcomes.ts'

/** Most bytes of an error body that are read. */
const ERROR_BODY_BYTES = 64 * 1024

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Parsed JSON, or the unread body of a read. */
  readonly data: unknown
}

/**
 * Turns an error of the SDK into an AppError: its own TosServerError, or the HTTP library's error for an answer that
 * did not come from TOS, or for no answer. Frees the connection of an answer whose body was not read.
 */
export async function tosError(
  err: unknown,
  { nowMs, signal }: AbortOptions & { readonly nowMs: number },
): Promise<AppError> {
  if (isAppError(err)) return err
  const answer = answerOf(err)
  const body = await bodyOf(answer?.data)
  if (signal?.aborted === true) return appError('ABORTED', { cause: signal.reason })
  if (answer === undefined) return backendError({ status: undefined, reason: codeOf(err), nowMs, cause: err })
  const { status, headers } = answer
  const refusal = {
    status,
    reason: textOf(body['Code']),
    requestId: headers['x-tos-request-id'],
    retryAfter: headers['retry-after'],
    nowMs,
  }
  if (refusal.reason === 'NoSuchBucket') return noSuchBucket(backendError(refusal))
  return backendError(refusal)
}

/** True when the answer says that the object, or the upload, does not exist; false for a missing bucket. */
export function isMissing(err: unknown, what: 'object' | 'upload'): boolean {
  if (!isAppError(err)) return false
  const { status, reason } = err.detail ?? {}
  const isAbsent = typeof status === 'number' && outcomeByStatus[status]?.outcome === 'absence'
  return isAbsent && reason !== 'NoSuchBucket' && (reason === 'NoSuchUpload') === (what === 'upload')
}

/** The error for a missing bucket, made from the error of its answer. */
export function noSuchBucket({ detail }: AppError): AppError {
  const message = 'the backend has no such bucket; make it, or correct bucket, region or endpoint'
  return appError('BACKEND_UNAVAILABLE', { message, ...(detail === undefined ? {} : { detail }) })
}

/** True for an object; nothing is known of its members. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function answerOf(err: unknown): Answer | undefined {
  if (!isRecord(err)) return undefined
  if (typeof err['statusCode'] === 'number') {
    return { status: err['statusCode'], headers: headersOf(err['headers']), data: err['data'] }
  }
  const { response } = err
  if (!isRecord(response) || typeof response['status'] !== 'number') return undefined
  return { status: response['status'], headers: headersOf(response['headers']), data: response['data'] }
}

async function bodyOf(data: unknown): Promise<Readonly<Record<string, unknown>>> {
  if (!isReadable(data)) return isRecord(data) ? data : {}
  try {
    const chunks: Uint8Array[] = []
    let length = 0
    for await (const chunk of data as AsyncIterable<Uint8Array>) {
      length += chunk.length
      if (length > ERROR_BODY_BYTES) break
      chunks.push(chunk)
    }
    const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString())
    return isRecord(parsed) ? parsed : {}
  } catch {
    // The body is cut short or not JSON, so only the status is used.
    return {}
  }
}

const isReadable = (value: unknown): value is Readable => isRecord(value) && typeof value['pipe'] === 'function'
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
const headersOf = (value: unknown) => (isRecord(value) ? (value as Answer['headers']) : {})
