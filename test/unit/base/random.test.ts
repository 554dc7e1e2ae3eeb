import { describe, expect, test } from '@jest/globals'
import { seededRandom, shuffled, systemRandom } from '../../../lib/base/index.ts'

describe('random', () => {
  test('one seed gives one sequence', () => {
    const [a, b, other] = [seededRandom(7), seededRandom(7), seededRandom(8)]
    const draw = (random: typeof a) => [random.next(), random.next(), ...random.bytes(4)]
    const first = draw(a)
    expect(draw(b)).toEqual(first)
    expect(draw(other)).not.toEqual(first)
  })

  test.each([
    ['seeded', seededRandom(3)],
    ['system', systemRandom()],
  ])('%s numbers lie in [0, 1) and bytes have the length asked for', (_, random) => {
    for (let i = 0; i < 1000; i += 1) {
      const value = random.next()
      expect(value >= 0 && value < 1).toBe(true)
    }
    expect(random.bytes(12)).toHaveLength(12)
  })

  test('shuffling keeps every item, leaves the source alone, and reaches every first place', () => {
    const items = [1, 2, 3, 4]
    const random = seededRandom(1)
    const firsts = new Set<number | undefined>()
    for (let i = 0; i < 100; i += 1) {
      const out = shuffled(items, random)
      expect(out.toSorted()).toEqual([1, 2, 3, 4])
      firsts.add(out[0])
    }
    expect(items).toEqual([1, 2, 3, 4])
    expect(firsts.size).toBe(4)
  })
})
