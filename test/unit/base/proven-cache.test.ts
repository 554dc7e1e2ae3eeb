import { expect, test } from '@jest/globals'
import { provenCache } from '../../../lib/base/index.ts'

const inUse = new Set<number>()
const cache = () => provenCache<number>({ maxNew: 2, maxProven: 2, isInUse: (value) => inUse.has(value) })
const keysOf = (made: ReturnType<typeof cache>) => [...made.entries()].map(([key]) => key)

test('new entries push out new ones only, the least recently used and idle first', () => {
  const made = cache()
  made.add('real', 1)
  made.prove('real')
  for (const n of [2, 3, 4, 5]) made.add(`made up ${n}`, n)
  expect(keysOf(made)).toEqual(['real', 'made up 4', 'made up 5'])
  made.get('made up 4')
  made.add('made up 6', 6)
  expect(keysOf(made)).toEqual(['real', 'made up 4', 'made up 6'])
  inUse.add(4)
  made.add('made up 7', 7)
  expect(keysOf(made)).toEqual(['real', 'made up 4', 'made up 7'])
  inUse.clear()
})

test('of proven entries the least recently used makes room, unless it is in use', () => {
  const made = cache()
  for (const [n, key] of ['a', 'b', 'c'].entries()) {
    made.add(key, n)
    made.prove(key)
    made.get('a')
  }
  expect(keysOf(made)).toEqual(['c', 'a'])
  inUse.add(0).add(2)
  made.add('d', 3)
  made.prove('d')
  expect(keysOf(made)).toEqual(['c', 'a', 'd'])
  expect(made.get('d')).toBe(3)
  inUse.clear()
})
