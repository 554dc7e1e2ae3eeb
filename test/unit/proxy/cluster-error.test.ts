import { describe, expect, test } from '@jest/globals'
import { appError, type ErrorCode } from '../../../lib/base/index.ts'
import { fromCluster } from '../../../services/proxy/cluster-error.ts'

describe('fromCluster', () => {
  const failing = (code: ErrorCode) => fromCluster(Promise.reject(appError(code)), 'BLOB_UNKNOWN', 'DIGEST_INVALID')

  test('passes answers', async () => {
    await expect(fromCluster(Promise.resolve(5))).resolves.toBe(5)
  })

  test.each<ErrorCode>(['BLOB_UNKNOWN', 'DIGEST_INVALID', 'BACKEND_UNAVAILABLE', 'NO_HEALTHY_MEMBER', 'ABORTED'])(
    'passes %s, which is expected or goes away by itself',
    async (code) => {
      await expect(failing(code)).rejects.toMatchObject({ code })
    },
  )

  test.each<ErrorCode>(['UNAUTHORIZED', 'DENIED', 'NOT_FOUND', 'MANIFEST_UNKNOWN', 'BODY_INVALID', 'UNKNOWN'])(
    'makes an outage of %s, which the client did not cause',
    async (code) => {
      await expect(failing(code)).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 503, detail: { behind: code } })
    },
  )

  test.each<[ErrorCode, ErrorCode, number]>([
    ['UNSUPPORTED', 'UNSUPPORTED', 405],
    ['BACKEND_READ_ONLY', 'UNSUPPORTED', 405],
    ['BACKEND_REFUSED', 'UNSUPPORTED', 405],
    ['BACKEND_DENIED', 'DENIED', 403],
    ['BACKEND_KEY_INVALID', 'NAME_INVALID', 400],
    ['NAME_INVALID', 'NAME_INVALID', 400],
    ['NAME_UNKNOWN', 'NAME_UNKNOWN', 404],
  ])('tells the client of %s, which no new try mends, as %s', async (code, told, status) => {
    await expect(failing(code)).rejects.toMatchObject({ code: told, status })
  })

  test('makes an outage of a foreign error', async () => {
    await expect(fromCluster(Promise.reject(new TypeError('x')))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
