import { expect, test } from '@jest/globals'
import { Bitset } from '../../../../lib/base/index.ts'
import { availability } from '../../../../lib/swarm/picker/index.ts'

test('counts each piece of each peer once, whatever is told twice, and forgets who leaves', () => {
  const copies = availability(8)
  const have = Bitset.from(8, Uint8Array.of(0b1010_0000))
  copies.update('a', have, undefined)
  copies.update('b', have, undefined)
  copies.update('a', have, undefined)
  have.add(7)
  copies.update('a', have, 7)
  copies.update('a', have, 7)
  expect([0, 1, 2, 7].map((piece) => copies.copies(piece))).toEqual([2, 0, 2, 1])
  copies.remove('a')
  copies.remove('a')
  expect([0, 1, 2, 7].map((piece) => copies.copies(piece))).toEqual([1, 0, 1, 0])
})
