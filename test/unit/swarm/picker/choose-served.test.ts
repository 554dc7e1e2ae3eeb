import { expect, test } from '@jest/globals'
import type { PullClass } from '../../../../lib/core/index.ts'
import { chooseServed, type SlotCandidate } from '../../../../lib/swarm/picker/index.ts'

const waiting = (id: string, waitingSinceMs: number): SlotCandidate => ({
  id,
  waitingSinceMs,
  servedSinceMs: undefined,
})
const of = (pullClass: PullClass, candidate: SlotCandidate) => ({ ...candidate, pullClass })
const served = (id: string, servedSinceMs: number): SlotCandidate => ({ id, waitingSinceMs: 0, servedSinceMs })

test.each<[string, readonly SlotCandidate[], readonly string[]]>([
  ['everybody while there is room', [waiting('a', 0), served('b', 900)], ['a', 'b']],
  ['those whose turn is not over stay', [waiting('a', 0), served('b', 900), served('c', 950)], ['b', 'c']],
  [
    'a turn that is over goes to who waited longest',
    [waiting('a', 50), waiting('z', 20), served('b', 400), served('c', 950)],
    ['c', 'z'],
  ],
  [
    'a turn that is over goes to the higher class, though it has waited less',
    [of('high', waiting('a', 900)), waiting('z', 700), served('b', 400), served('c', 950)],
    ['a', 'c'],
  ],
  [
    'who has waited for long enough is served, whatever his class',
    [of('high', waiting('a', 950)), of('low', waiting('z', 100)), served('b', 400), served('c', 950)],
    ['c', 'z'],
  ],
  ['a turn that is over goes on when nobody waits', [served('b', 100), served('c', 200)], ['b', 'c']],
])('%s', (_name, candidates, expected) => {
  expect([...chooseServed(candidates, { slots: 2, turnMs: 500, nowMs: 1_000 })].sort()).toEqual(expected)
})
