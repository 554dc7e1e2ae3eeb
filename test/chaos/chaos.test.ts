import { expect, test } from '@jest/globals'
import { chaos } from './chaos.ts'
import { unmetEnds } from './verdicts.ts'

/** The short form of `npm run chaos`: so many steps, whatever time they take. */

const SEED = 1
const STEPS = 20

test('under chaos nothing wrong is delivered, every pull ends, and afterwards every pull succeeds', async () => {
  const told: string[] = []
  const result = await chaos({
    ...{ seed: SEED, agents: 2, origins: 2, coldBlobs: 16, maxBlobBytes: 2_500_000, calmOps: 1 },
    ...{ stepMs: 2000, forgetLies: true, boundMs: 120_000, patienceMs: 120_000, atTheEnd: 3 },
    ...{ restMs: 0, goOn: (steps) => steps < STEPS, tell: (line) => told.push(line) },
  })
  // The seed, what happened until then, and what was wrong.
  const unmet = unmetEnds(result)
  expect({ seed: SEED, unmet, told: unmet.length === 0 ? [] : told }).toEqual({ seed: SEED, unmet: [], told: [] })
  expect(result.steps.length).toBeGreaterThanOrEqual(STEPS)
  expect(result.chaos.filter(({ end }) => end === 'ok').length).toBeGreaterThan(0)
}, 400_000)
