import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { copyBytes, seededRandom } from '../../../lib/base/index.ts'

const SIZE = 300_000
const source = seededRandom(5).bytes(SIZE)

test('bytes come over as they are, wherever they lie, and nothing else changes', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.nat(20),
      fc.nat(20),
      fc.oneof(fc.nat(40), fc.integer({ min: 0, max: SIZE - 20 }), fc.constantFrom(65_536, 65_544, 131_072)),
      (shared, fromOffset, intoOffset, length) => {
        const from = source.subarray(fromOffset, fromOffset + length)
        const memory = new Uint8Array(shared ? new SharedArrayBuffer(SIZE + 40) : new ArrayBuffer(SIZE + 40))
        copyBytes(memory.subarray(intoOffset), from)
        expect(Buffer.compare(memory.subarray(intoOffset, intoOffset + length), from)).toBe(0)
        expect(memory.subarray(0, intoOffset).every((byte) => byte === 0)).toBe(true)
        expect(memory.subarray(intoOffset + length).every((byte) => byte === 0)).toBe(true)
      },
    ),
    { seed: 20260811, numRuns: 300 },
  )
})
