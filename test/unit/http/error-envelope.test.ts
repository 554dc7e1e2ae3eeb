import { describe, expect, test } from '@jest/globals'
import { appError, type ErrorCode, errorTable, isRegistryCode } from '../../../lib/base/index.ts'
import { errorAnswer, registryCodeOf } from '../../../lib/http/error-envelope.ts'

const codes = Object.keys(errorTable) as ErrorCode[]
const shown = (code: ErrorCode) => registryCodeOf({ code, status: errorTable[code].status })

/** With these docker gives up a push at once; with any other one it sends a layer again, five times. */
const finalForDocker: readonly ErrorCode[] = ['UNAUTHORIZED', 'UNSUPPORTED', 'DENIED', 'NAME_UNKNOWN']

describe('the code that a registry client is shown', () => {
  test('is one of the OCI spec or of distribution, whatever ours is, and UNKNOWN only for our own faults', () => {
    for (const code of codes) {
      expect([code, isRegistryCode(shown(code))]).toEqual([code, true])
      expect([code, shown(code) === 'UNKNOWN']).toEqual([code, errorTable[code].status === 500])
    }
  })

  test('lets clients repeat what may succeed later, and not what never will', () => {
    for (const code of codes.filter((each) => !isRegistryCode(each))) {
      const { retryable, status } = errorTable[code]
      if (retryable) expect([code, finalForDocker]).not.toEqual([code, expect.arrayContaining([shown(code)])])
      else if (status < 500 && shown(code) !== 'RANGE_INVALID' && shown(code) !== 'SIZE_INVALID') {
        expect([code, finalForDocker]).toEqual([code, expect.arrayContaining([shown(code)])])
      }
    }
  })

  test.each<[ErrorCode, ErrorCode]>([
    ['UPLOAD_CONFLICT', 'BLOB_UPLOAD_INVALID'],
    ['BLOB_HELD', 'UNAVAILABLE'],
    ['BLOB_LAST_COPY', 'DENIED'],
    ['REQUEST_INVALID', 'UNSUPPORTED'],
    ['HEADERS_TOO_LARGE', 'UNSUPPORTED'],
    ['STORE_FULL', 'UNAVAILABLE'],
    ['REFERRERS_UNSUPPORTED', 'UNSUPPORTED'],
    ['TAG_IMMUTABLE', 'TAG_IMMUTABLE'],
  ])('for %s is %s', (code, expected) => {
    const { body } = errorAnswer(appError(code, { detail: { a: 1 } }), 'registry')
    const detail = expected === code ? { a: 1 } : { a: 1, code }
    expect(JSON.parse(Buffer.from(body).toString('utf8'))).toEqual({
      errors: [{ code: expected, message: errorTable[code].message, detail }],
    })
  })
})
