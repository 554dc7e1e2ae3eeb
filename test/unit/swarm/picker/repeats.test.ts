import { describe, expect, test } from '@jest/globals'
import { RepeatBudget, UsualTime } from '../../../../lib/swarm/picker/index.ts'

const MIB = 1024 * 1024

describe('what may be asked for twice', () => {
  test.each([
    { when: 'the start', received: 0, asked: 0, open: 0, allows: true },
    { when: 'as much is open as may be at once', received: 1_000, asked: 2, open: 2, allows: false },
    { when: 'one block less is open', received: 1_000, asked: 2, open: 1.75, allows: true },
    { when: 'what is free has been asked for', received: 0, asked: 2, open: 0, allows: false },
    { when: 'what has come allows more', received: 60, asked: 3, open: 0, allows: true },
    { when: 'a fiftieth of what has come was asked for, too', received: 50, asked: 3, open: 0, allows: false },
  ])('at $when: $allows', ({ received, asked, open, allows }) => {
    const budget = new RepeatBudget()
    budget.received(received * MIB)
    budget.asked(asked * MIB)
    expect(budget.allows(open * MIB)).toBe(allows)
  })

  test('counts no longer what can bring nothing any more', () => {
    const budget = new RepeatBudget()
    budget.asked(2 * MIB)
    expect(budget.allows(0)).toBe(false)
    budget.spared(MIB)
    expect(budget.allows(0)).toBe(true)
  })
})

describe('what a block usually takes', () => {
  test('is unknown before the first, and then the median', () => {
    const usual = new UsualTime()
    expect(usual.medianMs).toBeUndefined()
    for (const ms of [30, 10, 20]) usual.add(ms)
    expect(usual.medianMs).toBe(20)
  })

  test('does not follow a few that took very long', () => {
    const usual = new UsualTime()
    for (let at = 0; at < 64; at += 1) usual.add(at % 4 === 0 ? 9_000 : 20)
    expect(usual.medianMs).toBe(20)
  })

  test('follows the last 64', () => {
    const usual = new UsualTime()
    for (let at = 0; at < 64; at += 1) usual.add(20)
    for (let at = 0; at < 40; at += 1) usual.add(200)
    expect(usual.medianMs).toBe(200)
  })
})
