import { describe, test } from '@jest/globals'
import fc from 'fast-check'
import { isAppError } from '../../../lib/base/index.ts'
import { digestHex, digestOf, parseDigest, parseRepositoryName, parseTag } from '../../../lib/core/index.ts'

const accepts = (parse: (text: string) => string, text: string): boolean => {
  try {
    return parse(text) === text
  } catch (err) {
    if (isAppError(err)) return false
    throw err
  }
}

describe('what is parsed', () => {
  test('the digest of any bytes parses as itself', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const digest = digestOf(bytes)
        return parseDigest(digest) === digest && digestHex(digest).length === 64
      }),
    )
  })

  test('any text is taken whole or refused with a code; what is taken is safe in a path', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom('a', '/', '.', '-', '_', '%', '\n') }),
        ),
        (text) => {
          const taken = [parseDigest, parseRepositoryName, parseTag].some((parse) => accepts(parse, text))
          return !taken || (!/[\s%\\\0]|^\/|\/$/.test(text) && !text.split('/').includes('..'))
        },
      ),
    )
  })
})
