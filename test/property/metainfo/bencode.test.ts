import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { decodeBencode, encodeBencode } from '../../../lib/metainfo/index.ts'

const limits = { maxBytes: 64 * 1024, maxDepth: 8 }
const run = { seed: 20240611, numRuns: 1000 }

const key = fc.string({ maxLength: 6 }).filter((text) => text !== '__proto__')
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 12 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

describe('bencode', () => {
  test('what is encoded decodes to itself', () => {
    fc.assert(
      fc.property(value, (input) => {
        expect(decodeBencode(encodeBencode(input as never), limits)).toEqual(input)
      }),
      run,
    )
  })

  test('any bytes are refused by code or decode to a value whose encoding is the same bytes', () => {
    const alphabet = fc.constantFrom(...Buffer.from('dlie:-+.0123456789ae\0'))
    const soup = fc.array(alphabet, { maxLength: 40 }).map((codes) => Uint8Array.from(codes))
    fc.assert(
      fc.property(fc.oneof(soup, fc.uint8Array({ maxLength: 40 })), (bytes) => {
        let decoded: unknown
        try {
          decoded = decodeBencode(bytes, limits)
        } catch (err) {
          expect((err as { code?: string }).code).toBe('BENCODE_INVALID')
          return
        }
        expect(Buffer.from(encodeBencode(decoded as never))).toEqual(Buffer.from(bytes))
      }),
      { ...run, numRuns: 5000 },
    )
  })

  test('a mutated encoding never hangs the decoder', () => {
    const mutated = fc.tuple(value, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([input, at, byte]) => {
      const bytes = Uint8Array.from(encodeBencode(input as never))
      bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(
      fc.property(mutated, (bytes) => {
        try {
          decodeBencode(bytes, limits)
        } catch (err) {
          expect((err as { code?: string }).code).toBe('BENCODE_INVALID')
        }
      }),
      run,
    )
  })
})
