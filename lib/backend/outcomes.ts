import type { ErrorCode } from '../base/index.ts'

/**
 * What an unsuccessful answer means to the caller. `refusal`: the same request always gets the same answer, so nobody
 * repeats it. `absence`: there is no such object. `rate`: retry later, and slower. `outage`: a retry may succeed.
 */
export type Outcome = 'refusal' | 'absence' | 'rate' | 'outage'

export interface OutcomeRow {
  readonly outcome: Outcome
  /** The error's code. Where a driver can recognise an absence, it throws no error. */
  readonly code: ErrorCode
}

const outage: OutcomeRow = { outcome: 'outage', code: 'BACKEND_UNAVAILABLE' }
const rate: OutcomeRow = { outcome: 'rate', code: 'BACKEND_THROTTLED' }
/** When an absence is an error, it is an outage: something necessary (a bucket, a folder, an API) is missing now. */
const absence: OutcomeRow = { outcome: 'absence', code: 'BACKEND_UNAVAILABLE' }
const refusal = (code: ErrorCode): OutcomeRow => ({ outcome: 'refusal', code })
const refused = refusal('BACKEND_REFUSED')
const denied = refusal('BACKEND_DENIED')

const all = (names: readonly string[], row: OutcomeRow): Readonly<Record<string, OutcomeRow>> =>
  Object.fromEntries(names.map((name) => [name, row]))

/** HTTP statuses for all drivers. Any other 4xx is a refusal; everything else is an outage. */
export const outcomeByStatus: Readonly<Record<number, OutcomeRow>> = {
  401: denied,
  403: denied,
  404: absence,
  405: refusal('BACKEND_READ_ONLY'),
  407: denied,
  408: outage,
  409: refusal('BACKEND_PRECONDITION_FAILED'),
  410: absence,
  412: refusal('BACKEND_PRECONDITION_FAILED'),
  416: refusal('RANGE_UNSATISFIABLE'),
  421: outage,
  423: outage,
  425: outage,
  429: rate,
  501: refused,
  505: refused,
  509: rate,
}

/** Meanings of a backend's own error names, which are more precise than the status. */
export interface OutcomeNames {
  readonly s3: Readonly<Record<string, OutcomeRow>>
  readonly tos: Readonly<Record<string, OutcomeRow>>
  readonly registry: Readonly<Record<string, OutcomeRow>>
}

/**
 * Names that S3, TOS and similar stores share. Bytes that were damaged or cut in transit may arrive at the next
 * attempt.
 */
const objectStores = {
  ...all(['SlowDown', 'TooManyRequests', 'ServiceUnavailable', 'RequestLimitExceeded'], rate),
  ...all(
    [
      'BadDigest',
      'IncompleteBody',
      'InvalidPart',
      'NoSuchBucket',
      'NoSuchUpload',
      'OperationAborted',
      'RequestTimeout',
    ],
    outage,
  ),
}

export const outcomeByName: OutcomeNames = {
  s3: {
    ...objectStores,
    ...all(['Throttling', 'ThrottlingException'], rate),
    ...all(['PermanentRedirect', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch'], outage),
    // A full quota of Ceph or MinIO passes as a full disk does.
    ...all(['QuotaExceeded', 'XMinioAdminBucketQuotaExceeded'], outage),
    ...all(
      [
        'AuthorizationHeaderMalformed',
        'ExpiredToken',
        'ExpiredTokenException',
        'InvalidIdentityTokenException',
        'InvalidToken',
        'TokenRefreshRequired',
      ],
      denied,
    ),
    KeyTooLongError: refusal('BACKEND_KEY_INVALID'),
  },
  tos: {
    ...objectStores,
    ...all(
      [
        'ExceedAccountQPSLimit',
        'ExceedAccountRateLimit',
        'ExceedBucketQPSLimit',
        'ExceedBucketRateLimit',
        'ExceedQPSLimit',
        'ExceedRateLimit',
      ],
      rate,
    ),
    ...all(['ExpiredToken', 'InvalidSecurityToken'], denied),
    ...all(['InvalidObjectName', 'KeyTooLong'], refusal('BACKEND_KEY_INVALID')),
  },
  registry: {
    TOOMANYREQUESTS: rate,
    ...all(['BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN', 'SIZE_INVALID'], outage),
    ...all(['DENIED', 'UNAUTHORIZED'], denied),
    DIGEST_INVALID: refusal('DIGEST_INVALID'),
    MANIFEST_BLOB_UNKNOWN: refusal('MANIFEST_BLOB_UNKNOWN'),
    MANIFEST_INVALID: refusal('MANIFEST_INVALID'),
    NAME_INVALID: refusal('NAME_INVALID'),
    NAME_UNKNOWN: refusal('NAME_UNKNOWN'),
    TAG_INVALID: refusal('TAG_INVALID'),
    UNSUPPORTED: refusal('UNSUPPORTED'),
  },
}

/** Failed system calls of the file driver; any other one is an outage. */
export const outcomeByErrno: Readonly<Record<string, OutcomeRow>> = {
  ...all(['EACCES', 'EDQUOT', 'EIO', 'EMFILE', 'ENOSPC', 'ENOTDIR', 'EPERM', 'EROFS', 'ESTALE'], outage),
  ENOENT: absence,
  EFBIG: refused,
  EOPNOTSUPP: refused,
  ...all(['EILSEQ', 'ENAMETOOLONG'], refusal('BACKEND_KEY_INVALID')),
}

const names: Readonly<Record<string, OutcomeRow>> = {
  ...outcomeByName.s3,
  ...outcomeByName.tos,
  ...outcomeByName.registry,
}

/**
 * What an answer means: decided by the backend's own error name, else by its status; no status means no answer. A name
 * never makes a final refusal of a status that says that a retry may succeed.
 */
export function outcomeOf({
  status,
  reason,
}: {
  readonly status: number | undefined
  readonly reason?: string | undefined
}): OutcomeRow {
  // A refused method stays a refusal, whatever name the backend gives it.
  const named = reason === undefined || status === 405 || !Object.hasOwn(names, reason) ? undefined : names[reason]
  if (status === undefined) return named ?? outage
  const row = outcomeByStatus[status] ?? (status >= 400 && status < 500 ? refused : outage)
  const mayPass = row.outcome === 'rate' || row.outcome === 'outage'
  return named === undefined || (mayPass && named.outcome === 'refusal') ? row : named
}

/** What a failed system call means. */
export function outcomeOfErrno(errno: string | undefined): OutcomeRow {
  return (errno !== undefined && Object.hasOwn(outcomeByErrno, errno) ? outcomeByErrno[errno] : undefined) ?? outage
}
