import { describe, expect, test } from '@jest/globals'
import { combinedCrc64, crc64, crc64Of } from '../../../../lib/backend/tos/crc64.ts'
import { seededRandom } from '../../../../lib/base/index.ts'
import { crc64Ecma } from '../../../kit/tos-server/index.ts'

const PUBLISHED = 0x995dc9bbdf1939fan

describe('CRC-64 of ECMA-182', () => {
  test('the published check value', () => {
    expect(crc64Of(Buffer.from('123456789'))).toBe(PUBLISHED)
    expect(crc64Ecma(Buffer.from('123456789'))).toBe(PUBLISHED)
  })

  test('of nothing it is 0', () => {
    expect(crc64Of(new Uint8Array())).toBe(0n)
    expect(crc64Ecma(new Uint8Array())).toBe(0n)
  })

  test('bytes in any cuts, at any offset, have the sum that the emulator computes byte by byte', () => {
    const random = seededRandom(64)
    const bytes = random.bytes(3000)
    for (let round = 0; round < 200; round += 1) {
      const [start = 0, end = 0] = [random.next(), random.next()].map((x) => Math.floor(x * 3000)).sort((a, b) => a - b)
      const cut = start + Math.floor(random.next() * (end - start))
      const sum = crc64()
      sum.update(bytes.subarray(start, cut))
      sum.update(bytes.subarray(cut, end))
      expect(sum.value()).toBe(crc64Ecma(bytes.subarray(start, end)))
    }
  })

  test.each([
    [0, 0],
    [0, 9],
    [9, 0],
    [1, 1],
    [1000, 1],
    [17, 2983],
  ])('the sums of %i and %i bytes make the sum of both', (first, second) => {
    const bytes = seededRandom(65).bytes(first + second)
    const [head, tail] = [bytes.subarray(0, first), bytes.subarray(first)]
    expect(combinedCrc64(crc64Of(head), crc64Of(tail), second)).toBe(crc64Ecma(bytes))
  })

  test('a part of 5 GiB can be combined', () => {
    const zeros = 5 * 1024 ** 3
    const half = combinedCrc64(0n, 7n, zeros / 2)
    expect(combinedCrc64(combinedCrc64(1n, 0n, zeros / 2), half, zeros / 2)).toBe(combinedCrc64(1n, half, zeros))
  })
})
