import type { Readable } from 'node:stream'
import { type AbortOptions, type AppError, appError, codeOf, isAppError } from '../../base/index.ts'
import { backendError } from '../backend-error.ts'
import { outcomeByStatus } from '../outcomes.ts'

/** An error body is read this far. */
const ERROR_BODY_BYTES = 64 * 1024

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** JSON that was parsed, or the body of a read, which nobody has touched. */
  readonly data: unknown
}

/**
 * What the SDK threw, in the words of the table: its own TosServerError, the HTTP library's error for an answer that
 * did not come from TOS, or for none at all. Frees the connection of an answer whose body was not read.
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

/** True for an answer that there is no such object, or no such upload; not for a missing bucket. */
export function isMissing(err: unknown, what: 'object' | 'upload'): boolean {
  if (!isAppError(err)) return false
  const { status, reason } = err.detail ?? {}
  const isAbsent = typeof status === 'number' && outcomeByStatus[status]?.outcome === 'absence'
  return isAbsent && reason !== 'NoSuchBucket' && (reason === 'NoSuchUpload') === (what === 'upload')
}

/** The error for a bucket that is not there, made of the one for its answer. */
export function noSuchBucket({ detail }: AppError): AppError {
  const message = 'the backend has no such bucket; make it, or correct bucket, region or endpoint'
  return appError('BACKEND_UNAVAILABLE', { message, ...(detail === undefined ? {} : { detail }) })
}

/** True for an object, of whose members nothing is known. */
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
    // A body that is cut short or no JSON: the status has to do.
    return {}
  }
}

const isReadable = (value: unknown): value is Readable => isRecord(value) && typeof value['pipe'] === 'function'
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)
const headersOf = (value: unknown) => (isRecord(value) ? (value as Answer['headers']) : {})
