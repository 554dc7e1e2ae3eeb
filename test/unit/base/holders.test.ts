import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { holders } from '../../../lib/base/index.ts'

test('nobody holds more than twice as much as the one that is named, and sums are right', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ holder: fc.constantFrom('a', 'b', 'c', 'd', 'e'), amount: fc.integer({ min: -40, max: 90 }) }),
      ),
      (steps) => {
        const held = holders()
        const model = new Map<string, number>()
        for (const { holder, amount } of steps) {
          const least = Math.max(amount, -(model.get(holder) ?? 0))
          held.add(holder, least)
          model.set(holder, (model.get(holder) ?? 0) + least)
          const most = Math.max(...model.values())
          expect(held.of(holder)).toBe(model.get(holder))
          expect(held.total).toBe([...model.values()].reduce((sum, each) => sum + each, 0))
          if (most === 0) expect(held.largest).toBeUndefined()
          else expect(held.of(held.largest ?? '') * 2).toBeGreaterThanOrEqual(most)
        }
      },
    ),
    { seed: 1 },
  ))

test('of those alike, it names the one that took nothing for the longest time', () => {
  const held = holders()
  for (const holder of ['a', 'b', 'c', 'a']) held.add(holder, 1)
  held.add('a', -1)
  expect(held.largest).toBe('b')
  held.add('b', 0)
  expect(held.largest).toBe('b')
  held.add('b', -1)
  expect(held.largest).toBe('c')
})
