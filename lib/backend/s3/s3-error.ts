import { type AppError, appError, codeOf, isAbort } from '../../base/index.ts'
import { backendError } from '../backend-error.ts'

/** What the SDK throws for an unsuccessful answer. */
interface ServiceError {
  readonly name: string
  readonly message: string
  readonly $metadata: {
    readonly httpStatusCode?: number
    readonly requestId?: string
    /** The answer showed the difference of the clocks; the next request is signed with the backend's time. */
    readonly clockSkewCorrected?: boolean
  }
  readonly $response?: { readonly headers?: Readonly<Record<string, string | undefined>> }
}

const NO_BUCKET = 'there is no such bucket; make it, or set `bucket`, `region` and `endpoint` right'
const ELSEWHERE = 'the bucket lies in another region; set `region` (and `endpoint`, if there is one) to its own'

/** Error names that have a better explanation than the status. */
const sentences: Readonly<Record<string, string>> = {
  NoSuchBucket: NO_BUCKET,
  PermanentRedirect: ELSEWHERE,
  AuthorizationHeaderMalformed: ELSEWHERE,
  InvalidAccessKeyId: 'the backend does not know the access key; check `credentials` and `endpoint`',
  SignatureDoesNotMatch:
    'the backend finds the signature wrong; check the secret key, and that no proxy rewrites requests',
  ExpiredToken: 'the session token has expired; give a new one, or use `credentials: default`, which renews it',
  InvalidToken: 'the backend does not accept the session token',
  ExpiredTokenException: 'the token of the web identity has expired; look at what renews its file',
  InvalidIdentityTokenException: 'the token of the web identity is not accepted; check its file and the role',
  RequestTimeTooSkewed: 'the clocks of this machine and of the backend are too far apart; set the clock right',
  NotImplemented:
    'the backend lacks something that was asked of it; try `checksums: required` or `conditionalWrites: false`',
}

/** Codes of files that cannot be read. */
const UNREADABLE_CODES = new Set(['ENOENT', 'EACCES', 'EISDIR'])

const NO_CREDENTIALS =
  'no credentials were found; set `credentials`, the environment, a profile or a role of this machine'
const UNREADABLE = 'a file that proves who asks cannot be read; look for it where the environment names it'
const NO_DOCUMENT = 'what gives credentials to this machine answered with something that is not JSON'

/**
 * Turns an error of the SDK into an AppError. Of the answer, only its name, message and request id are kept, because an
 * answer about a refused signature repeats the request, including the session token.
 */
export function s3Error(err: unknown, nowMs: number): AppError {
  if (isAbort(err)) return appError('ABORTED', { cause: err })
  if (isServiceError(err)) return refusal(err, nowMs)
  if (nameOf(err) === 'CredentialsProviderError') {
    return appError('BACKEND_DENIED', { message: NO_CREDENTIALS, cause: err })
  }
  // The driver opens no files; only the SDK does, for a token that it exchanges for credentials.
  if (UNREADABLE_CODES.has(codeOf(err) ?? '')) {
    return appError('BACKEND_DENIED', { message: UNREADABLE, detail: { reason: codeOf(err) }, cause: err })
  }
  // The message quotes the text that was parsed, which may be secret.
  if (nameOf(err) === 'SyntaxError') return appError('BACKEND_UNAVAILABLE', { message: NO_DOCUMENT })
  return backendError({ status: undefined, reason: codeOf(err) ?? nameOf(err), nowMs, cause: err })
}

/** The backend's own name of the refusal; undefined when it did not answer. */
export function s3ReasonOf(err: unknown): string | undefined {
  return isServiceError(err) ? err.name : undefined
}

export function noSuchBucket(): AppError {
  return appError('BACKEND_UNAVAILABLE', { message: NO_BUCKET, detail: { status: 404, reason: 'NoSuchBucket' } })
}

function refusal({ name, message, $metadata, $response }: ServiceError, nowMs: number): AppError {
  const { httpStatusCode, requestId, clockSkewCorrected } = $metadata
  return backendError({
    // Signed with the backend's time, the same request may succeed, so this is not a final refusal.
    status: httpStatusCode === 403 && clockSkewCorrected === true ? undefined : httpStatusCode,
    reason: name,
    retryAfter: $response?.headers?.['retry-after'],
    nowMs,
    message: sentences[name],
    requestId,
    cause: new Error(`${name}: ${message}`),
  })
}

function isServiceError(err: unknown): err is ServiceError {
  return (
    typeof err === 'object' &&
    err !== null &&
    '$metadata' in err &&
    (err as ServiceError).$metadata.httpStatusCode !== undefined
  )
}

function nameOf(err: unknown): string | undefined {
  return typeof err === 'object' && err !== null && 'name' in err && typeof err.name === 'string' ? err.name : undefined
}
