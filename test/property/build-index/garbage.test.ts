import { expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { garbageModel } from '../../kit/garbage-model.ts'

/** Runs of this test; more of them, and others, with the variables. */
const RUNS = Number(process.env['GARBAGE_RUNS'] ?? 1)
const FIRST = Number(process.env['GARBAGE_SEED'] ?? Date.now() % 1_000_000)

test.each(Array.from({ length: RUNS }, (_, i) => FIRST + i))(
  'nothing that is linked is lost, and all else goes, whoever is killed when: seed %d',
  async (seed) => {
    const seen = await garbageModel({ seed, backend: memoryBackend(), pushers: 50, steps: 15, graceMs: 400 })
    // Else the run has shown nothing.
    expect(seen.longestMs).toBeLessThan(400)
    expect(seen.removed).toBeGreaterThan(10)
    expect(seen.kills).toBeGreaterThan(0)
  },
)
