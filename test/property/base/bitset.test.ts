import { describe, test } from '@jest/globals'
import fc from 'fast-check'
import { Bitset } from '../../../lib/base/index.ts'

const indices = fc.array(fc.integer({ min: -2, max: 40 }))

describe('Bitset', () => {
  test('behaves like a Set of the indices within its length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 33 }), indices, (length, added) => {
        const bits = new Bitset(length)
        const model = new Set<number>()
        for (const index of added) {
          const changes = index >= 0 && index < length && !model.has(index)
          if (changes) model.add(index)
          if (bits.add(index) !== changes) return false
        }
        const members = [...model].toSorted((a, b) => a - b)
        const copy = Bitset.from(length, bits.toBytes())
        return (
          bits.count === model.size &&
          bits.complete === (model.size === length) &&
          String([...bits]) === String(members) &&
          String([...copy]) === String(members)
        )
      }),
    )
  })
})
