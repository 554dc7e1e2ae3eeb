import { describe, expect, test } from '@jest/globals'
import { backendError, retryAfterMs } from '../../../lib/backend/backend-error.ts'

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
