import { readFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import {
  appError,
  codeOf,
  errorTable,
  hasCode,
  isAbort,
  isAppError,
  isRegistryCode,
  toAppError,
} from '../../../lib/base/index.ts'

describe('appError', () => {
  test('takes status, message and retryability from the table', () => {
    expect(appError('STORE_FULL')).toMatchObject({
      name: 'AppError',
      code: 'STORE_FULL',
      status: 507,
      retryable: true,
      message: errorTable.STORE_FULL.message,
    })
  })

  test('keeps what the thrower adds', () => {
    const cause = new Error('below')
    const err = appError('NOT_FOUND', { message: 'no such door', detail: { door: 7 }, cause })
    expect(err).toMatchObject({ message: 'no such door', detail: { door: 7 }, cause })
  })
})

describe('matching errors', () => {
  test('works by code, for system errors too', async () => {
    const err: unknown = await readFile('/nowhere/at/all').catch((thrown: unknown) => thrown)
    expect(codeOf(err)).toBe('ENOENT')
    expect(hasCode(err, 'EACCES', 'ENOENT')).toBe(true)
    expect(hasCode(err, 'EACCES')).toBe(false)
    expect(isAppError(err)).toBe(false)
  })

  test.each([[undefined], [null], ['text'], [{ code: 5 }]])('finds no code in %p', (value) => {
    expect(codeOf(value)).toBeUndefined()
    expect(isAppError(value)).toBe(false)
  })

  test('knows an abort in every shape', () => {
    expect(isAbort(appError('ABORTED'))).toBe(true)
    expect(isAbort(AbortSignal.abort().reason)).toBe(true)
    expect(isAbort({ code: 'UND_ERR_ABORTED' })).toBe(true)
    expect(isAbort(appError('NOT_FOUND'))).toBe(false)
    expect(isAbort(undefined)).toBe(false)
  })

  test('wraps what is not ours and keeps what is', () => {
    const own = appError('NOT_OWNER')
    expect(toAppError(own)).toBe(own)
    expect(toAppError('x', 'BACKEND_UNAVAILABLE')).toMatchObject({ code: 'BACKEND_UNAVAILABLE', cause: 'x' })
    expect(toAppError(AbortSignal.abort().reason)).toMatchObject({ code: 'ABORTED' })
  })
})

describe('the table', () => {
  test('tells codes of the OCI spec from our own', () => {
    expect(isRegistryCode('BLOB_UNKNOWN')).toBe(true)
    expect(isRegistryCode('NOT_FOUND')).toBe(false)
  })

  test('has a sensible status and a sentence for every code', () => {
    for (const [code, policy] of Object.entries(errorTable)) {
      expect(code).toMatch(/^[A-Z_]+$/)
      expect(policy.status).toBeGreaterThanOrEqual(400)
      expect(policy.status).toBeLessThan(600)
      expect(policy.message.length).toBeGreaterThan(10)
    }
  })
})
