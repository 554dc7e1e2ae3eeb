import { expect, test } from '@jest/globals'
import { admissionWaitMs, type WaitInput } from '../../../../lib/swarm/picker/index.ts'

const fresh = { joinedMs: 0, got: 0, gotMs: undefined, missing: 8 }
const base: WaitInput = {
  ...{ nowMs: 0, refusedMs: 0, givenMs: 0, isQueued: false, isThere: false, fetchMs: undefined },
  asker: fresh,
}

test.each<[string, Partial<WaitInput>, number]>([
  ['nobody knows how long a piece takes', {}, 3_000],
  ['a piece takes no time', { fetchMs: 10 }, 1_000],
  ['a piece takes half a second', { fetchMs: 500 }, 2_000],
  ['a piece takes longer than agents usually wait', { fetchMs: 5_000 }, 8_000],
  ['slow agents fetch it', { fetchMs: 10_000 }, 15_000],
  ['it was given again meanwhile', { nowMs: 4_000, givenMs: 3_000, fetchMs: 500 }, 1_000],
  ['it has not left the origin', { nowMs: 5_000, isQueued: true, fetchMs: 500 }, 2_000],
  ['it has not left the origin for very long', { nowMs: 15_000, isQueued: true, fetchMs: 500 }, 1_000],
  ['others have it and the agent has got nothing', { nowMs: 2_000, isThere: true }, 6_000],
  [
    'others have it and the agent gets pieces slowly',
    { nowMs: 10_000, isThere: true, asker: { ...fresh, got: 4, gotMs: 9_000, missing: 4 } },
    5_000,
  ],
  [
    'others have it and the agent will soon have everything',
    { nowMs: 10_000, isThere: true, asker: { ...fresh, got: 7, gotMs: 9_900, missing: 1 } },
    -2_000,
  ],
  [
    'the agent has got nothing for the whole patience',
    { nowMs: 18_000, isThere: true, asker: { ...fresh, got: 1, gotMs: 2_000, missing: 7 } },
    0,
  ],
  [
    'the agent goes on getting pieces, but a reader would fail',
    { nowMs: 24_000, isThere: true, asker: { ...fresh, got: 2, gotMs: 23_000, missing: 6 } },
    0,
  ],
])('an agent waits as long as it should when %s', (_, input, waitMs) => {
  expect(admissionWaitMs({ ...base, ...input })).toBe(waitMs)
})
