import { describe, expect, test } from '@jest/globals'
import { backendError } from '../../../lib/backend/backend-error.ts'
import { io } from '../../../lib/backend/file/fs-error.ts'
import { outcomeByErrno, outcomeByName, outcomeByStatus, outcomeOf } from '../../../lib/backend/outcomes.ts'
import { errorTable } from '../../../lib/base/index.ts'
import { retryAfterMs } from '../../../lib/http/index.ts'

const NOW_MS = Date.parse('2026-11-25T12:00:00Z')

describe('an answer of a backend', () => {
  test.each([
    [429, undefined, 'BACKEND_THROTTLED', true],
    [429, 'ExceedAccountQPSLimit', 'BACKEND_THROTTLED', true],
    [503, 'SlowDown', 'BACKEND_THROTTLED', true],
    [400, 'ExceedRateLimit', 'BACKEND_THROTTLED', true],
    [503, undefined, 'BACKEND_UNAVAILABLE', true],
    [500, 'InternalError', 'BACKEND_UNAVAILABLE', true],
    [undefined, undefined, 'BACKEND_UNAVAILABLE', true],
    [undefined, 'ECONNREFUSED', 'BACKEND_UNAVAILABLE', true],
    [404, undefined, 'BACKEND_UNAVAILABLE', true],
    [404, 'NAME_UNKNOWN', 'NAME_UNKNOWN', false],
    [400, undefined, 'BACKEND_REFUSED', false],
    [400, 'toString', 'BACKEND_REFUSED', false],
    [405, 'UNSUPPORTED', 'BACKEND_READ_ONLY', false],
    [400, 'UNSUPPORTED', 'UNSUPPORTED', false],
    [429, 'DENIED', 'BACKEND_THROTTLED', true],
    [503, 'UNAUTHORIZED', 'BACKEND_UNAVAILABLE', true],
    [500, 'NAME_INVALID', 'BACKEND_UNAVAILABLE', true],
    [409, 'OperationAborted', 'BACKEND_UNAVAILABLE', true],
    [400, 'XMinioAdminBucketQuotaExceeded', 'BACKEND_UNAVAILABLE', true],
    [403, 'QuotaExceeded', 'BACKEND_UNAVAILABLE', true],
    [400, 'TokenRefreshRequired', 'BACKEND_DENIED', false],
    [401, undefined, 'BACKEND_DENIED', false],
    [403, 'SignatureDoesNotMatch', 'BACKEND_DENIED', false],
    [405, undefined, 'BACKEND_READ_ONLY', false],
    [409, 'ConditionalRequestConflict', 'BACKEND_PRECONDITION_FAILED', false],
    [412, 'PreconditionFailed', 'BACKEND_PRECONDITION_FAILED', false],
    [416, 'InvalidRange', 'RANGE_UNSATISFIABLE', false],
  ])('with status %p and reason %p is %s', (status, reason, code, retryable) => {
    expect(backendError({ status, reason, nowMs: NOW_MS })).toMatchObject({ code, retryable })
  })

  test('says what the backend said', () => {
    const cause = new Error('from below')
    const error = backendError({ status: 503, reason: 'SlowDown', retryAfter: '7', nowMs: NOW_MS, cause })
    expect(error.detail).toEqual({ status: 503, reason: 'SlowDown', retryAfterMs: 7000 })
    expect(error.cause).toBe(cause)
  })
})

describe('the table of outcomes', () => {
  const { s3, tos, registry } = outcomeByName
  const rows = [outcomeByStatus, outcomeByErrno, s3, tos, registry].flatMap((table) => Object.entries(table))

  test.each(rows)('of %s has a code that is repeated only where that may help', (_, { outcome, code }) => {
    expect(errorTable[code].retryable).toBe(outcome !== 'refusal')
    expect(code === 'BACKEND_THROTTLED').toBe(outcome === 'rate')
  })

  test('has one meaning for a name that two kinds of stores use', () => {
    for (const [name, row] of [s3, tos, registry].flatMap((table) => Object.entries(table))) {
      expect([name, outcomeOf({ status: 400, reason: name })]).toEqual([name, row])
    }
  })

  test.each(Object.entries(outcomeByErrno))('is what a failed system call with %s means', async (errno, { code }) => {
    await expect(io(Promise.reject(Object.assign(new Error('x'), { code: errno })))).rejects.toMatchObject({
      code,
      detail: { errno },
    })
  })

  test('takes a system call that it does not name for an outage', async () => {
    await expect(io(Promise.reject(Object.assign(new Error('x'), { code: 'EWHAT' })))).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    })
  })
})

describe('Retry-After', () => {
  test.each([
    ['7', 7000],
    ['0', 0],
    ['Wed, 25 Nov 2026 12:00:09 GMT', 9000],
    ['Wed, 25 Nov 2026 11:00:00 GMT', 0],
    ['86400', 300_000],
    ['soon', undefined],
    ['-3x', undefined],
    [undefined, undefined],
  ])('%p is %p ms', (text, expected) => {
    expect(retryAfterMs(text, NOW_MS)).toBe(expected)
  })
})
