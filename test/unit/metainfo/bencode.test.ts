import { describe, expect, test } from '@jest/globals'
import { checkBencode, decodeBencode, encodeBencode, isBencodeDictionary } from '../../../lib/metainfo/index.ts'

const limits = { maxBytes: 1024 }
const decode = (text: string) => decodeBencode(Buffer.from(text, 'latin1'), limits)
const codeFrom = (work: () => unknown) => {
  try {
    work()
    return 'accepted'
  } catch (err) {
    return (err as { code?: string }).code
  }
}

describe('strict bencode', () => {
  test.each([
    ['a list that ends in a negative length (the library never returns)', 'l-3:'],
    ['nothing', ''],
    ['a truncated list', 'li1e'],
    ['a truncated dictionary', 'd1:a'],
    ['a truncated integer', 'i12'],
    ['a truncated string', '5:abcd'],
    ['a negative length', '-1:a'],
    ['a length with leading zeros', '01:a'],
    ['a length with a sign', '+1:a'],
    ['an integer with leading zeros', 'i01e'],
    ['minus zero', 'i-0e'],
    ['an empty integer', 'ie'],
    ['a lone minus', 'i-e'],
    ['a fraction', 'i1.5e'],
    ['an integer above 2^53 - 1', 'i9007199254740992e'],
    ['an integer of many digits', `i${'9'.repeat(400)}e`],
    ['unsorted keys', 'd1:bi1e1:ai1ee'],
    ['a key twice', 'd1:ai1e1:ai2ee'],
    ['a key that is no string', 'di1ei2ee'],
    ['a key without value', 'd1:ae'],
    ['a key that would set a prototype', 'd9:__proto__i1ee'],
    ['bytes after the value', 'i1ei2e'],
    ['a lone end', 'e'],
    ['an unknown type', 'x'],
  ])('refuses %s', (_, text) => {
    expect(codeFrom(() => decode(text))).toBe('BENCODE_INVALID')
  })

  test('takes eight levels and refuses the ninth', () => {
    expect(codeFrom(() => decode(`${'l'.repeat(8)}${'e'.repeat(8)}`))).toBe('accepted')
    expect(codeFrom(() => decode(`${'l'.repeat(9)}${'e'.repeat(9)}`))).toBe('BENCODE_INVALID')
  })

  test('refuses input longer than the limit without reading it', () => {
    expect(codeFrom(() => checkBencode(Buffer.from('4:abcd'), { maxBytes: 6 }))).toBe('accepted')
    expect(codeFrom(() => checkBencode(Buffer.from('5:abcde'), { maxBytes: 6 }))).toBe('BENCODE_INVALID')
  })

  test('decodes every type', () => {
    const value = decode('d1:ai-42e1:bl3:xyze1:cd0:i0eee')
    expect(isBencodeDictionary(value)).toBe(true)
    expect(value).toEqual({ a: -42, b: [new Uint8Array(Buffer.from('xyz'))], c: { '': 0 } })
  })

  test('encodes canonically, leaving out what is undefined', () => {
    const bytes = encodeBencode({ b: [1, 'é'], a: undefined, aa: Buffer.from([0xff]) })
    expect(Buffer.from(bytes).toString('latin1')).toBe('d2:aa1:ÿ1:bli1e2:Ã©ee')
  })

  test('refuses to encode a number it would have to round', () => {
    expect(codeFrom(() => encodeBencode({ a: [1.5] }))).toBe('BENCODE_INVALID')
    expect(codeFrom(() => encodeBencode(2 ** 53))).toBe('BENCODE_INVALID')
  })
})
