import { expect, test } from '@jest/globals'
import { systemClock } from '../../lib/base/index.ts'
import { chaos } from './chaos.ts'
import { unmetEnds } from './verdicts.ts'

/** The short form of `npm run chaos`: two minutes, and at least so many steps, however long they take. */

const SEED = 131
const MINUTES = 2
const STEPS = 16
const clock = systemClock()

test('under chaos nothing wrong is delivered, every pull ends, and afterwards every pull succeeds', async () => {
  const told: string[] = []
  let endMs: number | undefined
  const result = await chaos({
    ...{ seed: SEED, agents: 2, origins: 2, coldBlobs: 48, maxBlobBytes: 2_500_000, calmOps: 1 },
    ...{ stepMs: 2000, forgetLies: true, boundMs: 120_000, patienceMs: 120_000, atTheEnd: 2 },
    ...{ restMs: 0, tell: (line) => told.push(line) },
    goOn(steps) {
      endMs ??= clock.monotonicMs() + MINUTES * 60_000
      return steps < STEPS || clock.monotonicMs() < endMs
    },
  })
  // The seed, what happened until then, and what was wrong.
  const unmet = unmetEnds(result)
  expect({ seed: SEED, unmet, told: unmet.length === 0 ? [] : told }).toEqual({ seed: SEED, unmet: [], told: [] })
  expect(result.steps.length).toBeGreaterThanOrEqual(STEPS)
  expect(result.chaos.filter(({ end }) => end === 'ok').length).toBeGreaterThan(0)
}, 900_000)
