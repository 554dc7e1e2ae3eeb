import type { Readable } from 'node:stream'
import {
  type AbortOptions,
  type AppError,
  appError,
  type Clock,
  hasCode,
  isAbort,
  isAppError,
} from '../../base/index.ts'
import { type HttpClient, type HttpRequest, type HttpResponse, mayLeadTo } from '../../http/index.ts'
import { backendError } from '../backend-error.ts'

/** Most redirects that one request follows; a CDN needs one, a moved host two. */
export const MAX_REDIRECTS = 5

/** Bytes of an error body that are read to find its error name. */
const ERROR_BODY_BYTES = 64 * 1024

type HeaderFields = Readonly<Record<string, string>>

/** A request that may be sent more than once: after a redirect, and after its credentials were renewed. */
export interface WebRequest extends AbortOptions {
  readonly method: HttpRequest['method']
  /** Absolute. */
  readonly url: string
  readonly headers?: HeaderFields
  /** Headers only for the host of `url`; they are not sent to another host after a redirect. */
  readonly credentials?: HeaderFields
  /** Creates the body anew each time it is sent. */
  readonly body?: () => Uint8Array | Readable
}

export interface WebAnswer extends HttpResponse {
  /** URL of the answer, after all redirects. */
  readonly url: string
  readonly isRedirected: boolean
}

/**
 * Sends a request and follows redirects, also for methods other than GET when the status allows it. The governor limits
 * the time. Any other status is an answer.
 * @throws BACKEND_UNAVAILABLE (no answer, endless redirects, or a redirect from https to http), ABORTED
 */
export async function sendWeb(http: HttpClient, request: WebRequest): Promise<WebAnswer> {
  let { url } = request
  for (let hops = 0; ; hops += 1) {
    const answer = await attempt(http, request, url)
    const location = redirectOf(request.method, answer)
    if (location === undefined) return Object.assign(answer, { url, isRedirected: hops > 0 })
    await answer.discard()
    if (hops === MAX_REDIRECTS)
      throw appError('BACKEND_UNAVAILABLE', { message: 'the backend redirects too many times' })
    url = nextUrl(location, url)
  }
}

/** The AppError for an unsuccessful answer; reads the error name that a registry gives. Never throws. */
export async function refusalOf(answer: HttpResponse, clock: Pick<Clock, 'now'>): Promise<AppError> {
  return backendError({
    status: answer.status,
    reason: await reasonIn(answer),
    retryAfter: answer.headers['retry-after'],
    nowMs: clock.now(),
  })
}

/** The AppError of a driver for a failure below HTTP; keeps an abort and the drivers' own errors. */
export function webFailure(err: unknown): AppError {
  if (isAppError(err) && (isAbort(err) || err.code.startsWith('BACKEND_'))) return err
  if (isAbort(err)) return appError('ABORTED', { cause: err })
  return appError('BACKEND_UNAVAILABLE', {
    message: 'the backend cannot be reached or closed the connection; check its address and the network',
    cause: err,
  })
}

async function attempt(http: HttpClient, request: WebRequest, url: string): Promise<HttpResponse> {
  const sameHost = new URL(url).origin === new URL(request.url).origin
  try {
    return await http.request({
      method: request.method,
      url,
      headers: { ...request.headers, ...(sameHost ? request.credentials : {}) },
      ...(request.body !== undefined && { body: request.body() }),
      headersTimeoutMs: 0,
      idleTimeoutMs: 0,
      signal: request.signal,
    })
  } catch (err) {
    throw webFailure(err)
  }
}

function redirectOf(method: WebRequest['method'], { status, headers }: HttpResponse): string | undefined {
  const reads = method === 'GET' || method === 'HEAD'
  const redirects = status === 307 || status === 308 || (reads && [301, 302, 303].includes(status))
  return redirects ? headers['location'] : undefined
}

function nextUrl(location: string, from: string): string {
  const next = URL.canParse(location, from) ? new URL(location, from) : undefined
  const isWeb = next?.protocol === 'https:' || (next?.protocol === 'http:' && from.startsWith('http:'))
  if (next !== undefined && isWeb && mayLeadTo(next, new URL(from))) return next.href
  throw appError('BACKEND_UNAVAILABLE', { message: 'the backend redirects to where nobody may follow' })
}

async function reasonIn(answer: HttpResponse): Promise<string | undefined> {
  try {
    const body = (await answer.json(ERROR_BODY_BYTES)) as { errors?: readonly { code?: unknown }[] } | null
    const code = body?.errors?.[0]?.code
    return typeof code === 'string' ? code.slice(0, 64) : undefined
  } catch (err) {
    if (!hasCode(err, 'BODY_INVALID')) answer.body.destroy()
    return undefined
  }
}
