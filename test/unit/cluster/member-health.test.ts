import { describe, expect, test } from '@jest/globals'
import { afterReport, healthy, isIn, type MemberHealth } from '../../../lib/cluster/member-health.ts'

const policy = { failures: 3, windowMs: 10_000, outMs: 5_000 }

type Step = readonly ['ok' | 'failed', number]

function play(steps: readonly Step[]): MemberHealth {
  return steps.reduce((health, [outcome, at]) => afterReport(health, outcome, at, policy), healthy)
}

describe('passive health', () => {
  const table: readonly (readonly [string, readonly Step[], number, boolean])[] = [
    ['a member without reports is in', [], 0, true],
    [
      'two failures do not take a member out',
      [
        ['failed', 0],
        ['failed', 1],
      ],
      1,
      true,
    ],
    [
      'three failures within the window do',
      [
        ['failed', 0],
        ['failed', 1],
        ['failed', 2],
      ],
      2,
      false,
    ],
    [
      'failures older than the window do not count',
      [
        ['failed', 0],
        ['failed', 1],
        ['failed', 10_001],
      ],
      10_001,
      true,
    ],
    [
      'a success in between starts the count again',
      [
        ['failed', 0],
        ['failed', 1],
        ['ok', 2],
        ['failed', 3],
      ],
      3,
      true,
    ],
    [
      'it is out until its time is over',
      [
        ['failed', 0],
        ['failed', 0],
        ['failed', 0],
      ],
      4_999,
      false,
    ],
    [
      'it is tried again after that',
      [
        ['failed', 0],
        ['failed', 0],
        ['failed', 0],
      ],
      5_000,
      true,
    ],
    [
      'one failure then takes it out again',
      [
        ['failed', 0],
        ['failed', 0],
        ['failed', 0],
        ['failed', 5_000],
      ],
      9_999,
      false,
    ],
    [
      'a success then needs three failures again',
      [
        ['failed', 0],
        ['failed', 0],
        ['failed', 0],
        ['ok', 5_000],
        ['failed', 5_001],
      ],
      5_001,
      true,
    ],
    [
      'failures while out do not lengthen the time',
      [
        ['failed', 0],
        ['failed', 0],
        ['failed', 0],
        ['failed', 4_999],
      ],
      5_000,
      true,
    ],
    [
      'a success while out brings it back at once',
      [
        ['failed', 0],
        ['failed', 0],
        ['failed', 0],
        ['ok', 1],
      ],
      1,
      true,
    ],
  ]
  test.each(table)('%s', (_name, steps, nowMs, expected) => {
    expect(isIn(play(steps), nowMs)).toBe(expected)
  })
})
