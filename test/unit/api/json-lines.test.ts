import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { jsonLines } from '../../../lib/api/json-lines.ts'

const valuesOf = async (chunks: readonly Uint8Array[], maxLine: number) => {
  const values: unknown[] = []
  for await (const value of jsonLines(Readable.from(chunks), maxLine)) values.push(value)
  return values
}

/** The bytes in chunks of these lengths, over and over. */
function chunked(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const length = lengths[i % lengths.length] ?? 1
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

describe('JSON in lines', () => {
  test('is read wherever the chunks begin and end', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' })), lengths, async (values, cuts) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
        expect(await valuesOf(chunked(bytes, cuts), 10_000)).toEqual(values)
      }),
    )
  })

  test('without its last newline was cut off', async () => {
    expect(await valuesOf([Buffer.from('1\n2')], 100)).toEqual([1])
  })

  test.each([['12345678901\n1\n'], ['12345678901']])('%j has too long a line', async (text) => {
    await expect(valuesOf([Buffer.from(text)], 10)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
  })
})
