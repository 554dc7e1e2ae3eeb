import { expect, test } from '@jest/globals'
import { HEAP_MIB, type MixedAttack, mixedAttack } from './mixed-attack.ts'
import type { PerProcess } from './process-uses.ts'
import type { Tallies } from './start-attack.ts'
import { unmetEnds } from './verdicts.ts'

/** All attackers at once, while honest clients push and pull: the short form of `npm run abuse`. */

/** Of each honest client. */
const CALM_OPS = 3
const ATTACKED_OPS = 6
/** Of each attacker. */
const MIN_ACTS = 15
const REST_MS = 30_000

const allHaveActed = (tallies: Tallies) => Object.values(tallies).every(({ acts }) => acts >= MIN_ACTS)
const overHeap = (memory: PerProcess) => Object.entries(memory).filter(([, rss]) => rss > HEAP_MIB)

test('under a mixed attack every honest push and pull succeeds, with the right bytes, and no process dies', async () => {
  const phases: string[] = []
  const result: MixedAttack = await mixedAttack({
    seed: 1,
    calm: (done) => done < CALM_OPS,
    attacked: (done, tallies) => done < ATTACKED_OPS || !allHaveActed(tallies),
    ...{ baseMs: 0, restMs: REST_MS, isBack: (_, now) => overHeap(now).length === 0 },
    tell: (phase) => phases.push(phase),
  })
  expect(unmetEnds(result)).toEqual([])
  expect(overHeap(result.memory.rest)).toEqual([])
  expect(phases).toEqual(['calm', 'attack', 'rest'])
  expect(result.attacked.length).toBeGreaterThan(result.calm.length)
}, 240_000)
