import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../../lib/base/index.ts'
import { Timeline } from '../../../bench/simulation/timeline.ts'

const forever = () => false

describe('a timeline', () => {
  test('lets things happen in the order of their times, and at one time in the order in which they were added', () => {
    const random = seededRandom(7)
    const timeline = new Timeline()
    const seen: (readonly [number, number])[] = []
    const times = Array.from({ length: 3_000 }, () => Math.floor(random.next() * 200))
    for (const [order, at] of times.entries()) timeline.at(at, { happen: (nowMs) => seen.push([nowMs, order]) })
    timeline.run(1_000, forever)
    expect(seen).toHaveLength(3_000)
    expect(seen).toEqual(seen.toSorted(([a, first], [b, second]) => a - b || first - second))
    expect(timeline.count).toBe(3_000)
  })

  test('takes what is added meanwhile, and never goes back', () => {
    const timeline = new Timeline()
    const seen: number[] = []
    const note = { happen: (nowMs: number) => seen.push(nowMs) }
    const addMore = () => {
      for (const at of [1, 7]) timeline.at(at, note)
    }
    timeline.at(5, { happen: addMore })
    timeline.at(6, note)
    timeline.run(1_000, forever)
    expect(seen).toEqual([5, 6, 7])
  })

  test('ends at its time or when it is told to', () => {
    const timeline = new Timeline()
    const seen: number[] = []
    for (const at of [1, 2, 3, 4]) timeline.at(at, { happen: (nowMs) => seen.push(nowMs) })
    timeline.run(3, () => seen.length === 2)
    expect(seen).toEqual([1, 2])
    timeline.run(3, forever)
    expect(seen).toEqual([1, 2, 3])
    expect(timeline.size).toBe(1)
  })
})
