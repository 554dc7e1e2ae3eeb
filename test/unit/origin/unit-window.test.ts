import { describe, expect, test } from '@jest/globals'
import type { ReadPriority } from '../../../lib/core/index.ts'
import { unitWindow } from '../../../services/origin/bring/unit-window.ts'

function setUp() {
  const window = unitWindow()
  /** Of how many units that run there is room for one more. */
  const room = (priority: ReadPriority) => {
    let running = 0
    while (running < 100 && window.hasRoom({ priority }, running)) running += 1
    return running
  }
  return { room, begin: (priority: ReadPriority, isApart: boolean) => window.begin({ priority, isApart }) }
}

/** That many units end. */
function grow({ begin }: ReturnType<typeof setUp>, count: number) {
  for (let i = 0; i < count; i += 1) begin('fill', false)()
}

describe('units of one blob that are read at a time', () => {
  test('are one at first, of what nobody waits for, and one more for each that has ended', () => {
    const window = setUp()
    const rooms = () => [window.room('fill'), window.room('prefetch'), window.room('onDemand')]
    expect(rooms()).toEqual([1, 1, 6])
    grow(window, 1)
    expect(rooms()).toEqual([2, 2, 6])
    grow(window, 5)
    expect(rooms()).toEqual([3, 4, 6])
  })

  test('are only those that somebody waits for while one of them lies apart; then they are one again', () => {
    const window = setUp()
    grow(window, 5)
    const [first, second] = [window.begin('onDemand', true), window.begin('onDemand', true)]
    first()
    expect([window.room('fill'), window.room('prefetch'), window.room('onDemand')]).toEqual([0, 0, 6])
    second()
    expect([window.room('fill'), window.room('prefetch')]).toEqual([3, 3])
    window.begin('onDemand', true)()
    expect(window.room('fill')).toBe(2)
  })

  test.each<[string, ReadPriority, boolean]>([
    ['somebody waits for the next part of what comes', 'onDemand', false],
    ['somebody will want one that lies apart', 'prefetch', true],
    ['nobody waits for one that lies apart', 'fill', true],
  ])('are as many as before when %s', (_, priority, isApart) => {
    const window = setUp()
    grow(window, 5)
    window.begin(priority, isApart)
    expect([window.room('fill'), window.room('prefetch')]).toEqual([3, 4])
  })
})
