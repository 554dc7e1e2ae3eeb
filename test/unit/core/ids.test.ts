import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import {
  digestOf,
  newPeerId,
  parseDigest,
  parsePeerId,
  parseSwarmId,
  rangeLength,
  swarmIdOf,
  wholeRange,
} from '../../../lib/core/index.ts'

describe('swarm ids', () => {
  test('a sha256 blob is known by the first 20 bytes of its digest', () => {
    expect(swarmIdOf(parseDigest(`sha256:${'ab'.repeat(20)}${'cd'.repeat(12)}`))).toBe('ab'.repeat(20))
  })

  test('another algorithm is hashed to one as well', () => {
    const id = swarmIdOf(digestOf(new Uint8Array(0), 'sha512'))
    expect(parseSwarmId(id)).toBe(id)
    expect(id).not.toBe(swarmIdOf(digestOf(Uint8Array.of(1), 'sha512')))
  })

  test.each(['', 'ab'.repeat(19), 'AB'.repeat(20), 'ab'.repeat(21), 'zz'.repeat(20)])('refuses %p', (text) => {
    expect(() => parseSwarmId(text)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
    expect(() => parsePeerId(text)).toThrow(expect.objectContaining({ code: 'BODY_INVALID' }))
  })
})

describe('peer ids', () => {
  test('name the client in the Azureus style and differ by start', () => {
    const random = seededRandom(1)
    const [a, b] = [newPeerId(random), newPeerId(random)]
    expect(Buffer.from(a, 'hex').toString('latin1').slice(0, 8)).toBe('-SH0001-')
    expect(parsePeerId(a)).toBe(a)
    expect(a).not.toBe(b)
  })
})

describe('byte ranges', () => {
  test('the whole of a content has its length', () => {
    expect(rangeLength(wholeRange(7))).toBe(7)
    expect(wholeRange(7)).toEqual({ start: 0, end: 7 })
  })
})
