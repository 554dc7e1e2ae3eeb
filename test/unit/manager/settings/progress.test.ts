import { describe, expect, test } from '@jest/globals'
import {
  afterAct,
  afterLook,
  newProgress,
  type Progress,
  type StepLook,
  withStepBegun,
} from '../../../../services/manager/settings/progress.ts'

const limits = { soakMs: 1000, applyMs: 5000, maxRefused: 0, gonePerHundred: 10, rollBack: false }
const well: StepLook = { hosts: 10, behind: 0, gone: 0, refused: 0, comparison: 'good', isWhole: true }
const begun = withStepBegun(newProgress(3, 0), 0)
const look = (progress: Progress, seen: Partial<StepLook>, nowMs: number, with_: Partial<typeof limits> = {}) =>
  afterLook(progress, { ...well, ...seen }, { ...limits, ...with_ }, { nowMs, lookingSinceMs: 0 })
const settled = look(begun, {}, 100)

describe('a step', () => {
  test('soaks when all hosts have applied it, and then the next one is to begin', () => {
    expect(settled).toMatchObject({ isSettled: true, sinceMs: 100, step: 0 })
    expect(look(settled, {}, 1099)).toBe(settled)
    expect(look(settled, {}, 1100)).toMatchObject({ step: 1, begun: false, state: 'running' })
  })

  test.each([
    ['a host is behind', { behind: 1 }],
    ['there is no host', { hosts: 0 }],
    ['too many are gone', { gone: 2 }],
  ])('does not soak while %s, and halts when that lasts', (_, seen) => {
    expect(look(begun, seen, 4000)).toBe(begun)
    expect(look(begun, seen, 5001)).toMatchObject({ state: 'halted' })
  })

  test('waits while a cluster cannot be seen, and gives its hosts their time afterwards', () => {
    const unseen = look(settled, { isWhole: false, gone: 9 }, 9000)
    expect(unseen).toMatchObject({ state: 'running', isSettled: false })
    const waiting = look(unseen, { isWhole: false, gone: 9 }, 20_000)
    expect(waiting).toMatchObject({ state: 'running', isSettled: false })
    expect(look(waiting, { behind: 1 }, 24_999)).toMatchObject({ state: 'running' })
    expect(look(waiting, { behind: 1 }, 25_001)).toMatchObject({ state: 'halted', halt: 'HOSTS_SLOW' })
  })

  test('halts when hosts are slow that are seen, though another cluster is not', () => {
    const slow = { isWhole: false, behind: 1, gone: 9 }
    expect(look(look(begun, slow, 4000), slow, 5001)).toMatchObject({ state: 'halted', halt: 'HOSTS_SLOW' })
  })

  test('begins to soak anew when a host falls behind', () => {
    const behind = look(settled, { behind: 1 }, 900)
    expect(behind).toMatchObject({ isSettled: false, sinceMs: 900 })
    expect(look(look(behind, {}, 950), {}, 1900)).toMatchObject({ step: 0 })
  })

  test('waits after the soak until there are pulls enough', () => {
    expect(look(settled, { comparison: 'tooFew' }, 99_999)).toBe(settled)
  })

  test('halts at once when a host refuses it', () => {
    expect(look(begun, { refused: 1, behind: 9 }, 1)).toMatchObject({ state: 'halted', halt: 'HOSTS_REFUSE' })
    expect(look(begun, { refused: 1 }, 1, { maxRefused: 1 }).state).toBe('running')
  })

  test('halts at once when pulls are worse, also while it is paused', () => {
    const worse = { comparison: 'worse' } as const
    expect(look(settled, worse, 101)).toMatchObject({ state: 'halted', halt: 'HEALTH_WORSE' })
    expect(look(afterAct(settled, 'pause', 101), worse, 102)).toMatchObject({ state: 'halted' })
  })

  test('says why it halts: hosts are slow, or gone', () => {
    expect(look(begun, { behind: 1 }, 5001).halt).toBe('HOSTS_SLOW')
    expect(look(begun, { gone: 5 }, 5001).halt).toBe('HOSTS_GONE')
  })

  test('is given its time again by a manager that has just begun to look', () => {
    const seen = { ...well, behind: 1 }
    expect(afterLook(begun, seen, limits, { nowMs: 60_000, lookingSinceMs: 58_000 })).toBe(begun)
  })

  test('of all hosts that soaks ends the roll-out', () => {
    const last = { ...settled, step: 2 }
    expect(look(last, {}, 1100)).toMatchObject({ state: 'done' })
  })
})

describe('a roll-out that halts', () => {
  test('takes itself back when that is its plan, and is over when all hosts have the former settings', () => {
    const back = look(begun, { refused: 1 }, 1, { rollBack: true })
    expect(back).toMatchObject({ state: 'rollingBack', halt: 'HOSTS_REFUSE' })
    expect(look(back, { behind: 1 }, 2)).toBe(back)
    expect(look(back, { isWhole: false }, 2)).toBe(back)
    expect(look(back, {}, 3)).toMatchObject({ state: 'rolledBack' })
  })

  test('goes on only when a person says so, with the same step from its beginning', () => {
    const stopped = look(begun, { refused: 1 }, 1)
    expect(look(stopped, {}, 99_999)).toBe(stopped)
    const resumed = afterAct(stopped, 'resume', 2)
    expect(resumed).toMatchObject({ state: 'running', step: 0, begun: false })
    expect(resumed.halt).toBeUndefined()
  })
})

describe('a roll-out that is paused', () => {
  const paused = afterAct(settled, 'pause', 200)
  test('does not go on', () => expect(look(paused, {}, 99_999)).toMatchObject({ state: 'paused', step: 0 }))
  test('soaks anew when it is resumed', () => {
    const resumed = look(afterAct(paused, 'resume', 5000), {}, 5001)
    expect(resumed).toMatchObject({ state: 'running', isSettled: true, sinceMs: 5001 })
  })
})

test.each([
  ['pause', 'done'],
  ['resume', 'running'],
  ['halt', 'halted'],
  ['rollBack', 'rollingBack'],
  ['rollBack', 'rolledBack'],
] as const)('nobody can %s a roll-out that is %s', (act, state) => {
  expect(() => afterAct({ ...begun, state }, act, 1)).toThrow(expect.objectContaining({ code: 'ROLLOUT_STATE' }))
})
