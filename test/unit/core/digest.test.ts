import { describe, expect, test } from '@jest/globals'
import { digestAlgorithm, digestFromHex, digestHex, digestOf, parseDigest } from '../../../lib/core/index.ts'

const EMPTY = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

describe('digests', () => {
  test('names the hash of bytes', () => {
    expect(digestOf(new Uint8Array(0))).toBe(EMPTY)
    expect(digestOf(new Uint8Array(0), 'sha512')).toMatch(/^sha512:cf83e1357e[0-9a-f]{118}$/)
  })

  test('splits into algorithm and hex', () => {
    const digest = parseDigest(EMPTY)
    expect([digestAlgorithm(digest), digestHex(digest)]).toEqual(['sha256', EMPTY.slice(7)])
    expect(digestFromHex('sha256', digestHex(digest))).toBe(digest)
    expect(digestAlgorithm(parseDigest(`sha512:${'a'.repeat(128)}`))).toBe('sha512')
  })

  test.each([
    ['', 'empty'],
    ['sha256', 'no colon'],
    [EMPTY.slice(7), 'no algorithm'],
    [`md5:${'a'.repeat(32)}`, 'unregistered algorithm'],
    [`sha256:${'a'.repeat(63)}`, 'too short'],
    [`sha256:${'a'.repeat(65)}`, 'too long'],
    [`sha512:${'a'.repeat(64)}`, 'length of another algorithm'],
    [`sha256:${'A'.repeat(64)}`, 'upper case'],
    [`sha256:${'g'.repeat(64)}`, 'no hex'],
    [` ${EMPTY}`, 'space before'],
    [`${EMPTY}\n`, 'newline behind'],
    [`sha256:${'../'.repeat(21)}a`, 'path steps'],
  ])('refuses %p (%s)', (text) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }))
  })
})
