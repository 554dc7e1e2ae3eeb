import { describe, expect, test } from '@jest/globals'
import { PieceMap, type ReadPriority } from '../../../lib/core/index.ts'
import type { PieceState } from '../../../services/origin/bring/demand.ts'
import type { PlannedUnit } from '../../../services/origin/bring/ingest-plan.ts'
import { unitWindow } from '../../../services/origin/bring/unit-window.ts'

const UNIT = 1024
const map = new PieceMap(10 * UNIT, UNIT)

/** The window of a blob whose units are one piece each; `states` are the pieces that are not missing. */
function setUp(states: Readonly<Record<number, PieceState>> = {}) {
  const window = unitWindow({ map, stateOf: (piece) => states[piece] ?? 'missing' })
  const unit = (piece: number, priority: ReadPriority): PlannedUnit => ({
    ...{ range: map.rangeOf(piece), priority, isAsked: priority !== 'fill' },
  })
  /** Of how many units that run there is room for one more. */
  const room = (priority: ReadPriority) => {
    let running = 0
    while (running < 100 && window.hasRoom(unit(0, priority), running)) running += 1
    return running
  }
  return { room, begin: (piece: number, priority: ReadPriority) => window.begin(unit(piece, priority)) }
}

/** That many units end. */
function grow({ begin }: ReturnType<typeof setUp>, count: number) {
  for (let i = 0; i < count; i += 1) begin(0, 'fill')()
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
    const [first, second] = [window.begin(9, 'onDemand'), window.begin(5, 'onDemand')]
    first()
    expect([window.room('fill'), window.room('prefetch'), window.room('onDemand')]).toEqual([0, 0, 6])
    second()
    expect([window.room('fill'), window.room('prefetch')]).toEqual([3, 3])
    window.begin(7, 'onDemand')()
    expect(window.room('fill')).toBe(2)
  })

  test.each([
    ['the first of the blob', 0, {}],
    ['behind what comes', 5, { 4: 'coming' }],
    ['behind what is here', 5, { 4: 'here' }],
  ] as const)('are as many as before when somebody waits for the one %s', (_, piece, states) => {
    const window = setUp(states)
    grow(window, 5)
    window.begin(piece, 'onDemand')
    expect([window.room('fill'), window.room('prefetch')]).toEqual([3, 4])
  })
})
