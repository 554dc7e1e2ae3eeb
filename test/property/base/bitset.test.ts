import { describe, test } from '@jest/globals'
import fc from 'fast-check'
import { Bitset } from '../../../lib/base/index.ts'

const operations = fc.array(
  fc.tuple(fc.constantFrom('add' as const, 'delete' as const), fc.integer({ min: -2, max: 40 })),
)

describe('Bitset', () => {
  test('behaves like a Set of the indices within its length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 33 }), operations, (length, steps) => {
        const bits = new Bitset(length)
        const model = new Set<number>()
        for (const [verb, index] of steps) {
          const within = index >= 0 && index < length
          const changes = within && model.has(index) === (verb === 'delete')
          if (verb === 'add' && within) model.add(index)
          if (verb === 'delete') model.delete(index)
          if (bits[verb](index) !== changes) return false
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
