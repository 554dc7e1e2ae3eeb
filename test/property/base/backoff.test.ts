import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { backoffMs, fakeClock, seededRandom, tokenBucket } from '../../../lib/base/index.ts'

describe('backoffMs', () => {
  test('never exceeds the doubling base, nor the cap', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(60), fc.nat(10_000), fc.nat(100_000), (seed, attempt, baseMs, maxMs) => {
        const waitMs = backoffMs({ baseMs, maxMs, attempts: 1 }, attempt, seededRandom(seed))
        return waitMs >= 0 && waitMs <= Math.min(maxMs, baseMs * 2 ** attempt)
      }),
    )
  })

  test('reaches both halves of the window, so that callers spread', () => {
    const random = seededRandom(1)
    const waits = Array.from({ length: 100 }, () => backoffMs({ baseMs: 100, maxMs: 100, attempts: 1 }, 3, random))
    expect(Math.min(...waits)).toBeLessThan(50)
    expect(Math.max(...waits)).toBeGreaterThan(50)
  })
})

describe('tokenBucket', () => {
  test('never hands out more than burst plus rate times time, and always all in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 12 }),
        fc.integer({ min: 10, max: 1000 }),
        fc.integer({ min: 100, max: 200 }),
        async (takes, ratePerSecond, burst) => {
          const clock = fakeClock(0)
          const bucket = tokenBucket(clock, { ratePerSecond, burst })
          let served = 0
          const excess: number[] = []
          const all = takes.map((tokens) =>
            bucket.take(tokens).then(() => {
              served += tokens
              excess.push(served - burst - (clock.now() / 1000) * ratePerSecond)
            }),
          )
          await clock.advance(1_000_000)
          await Promise.all(all)
          return excess.every((tokens) => tokens < 1e-6) && served === takes.reduce((sum, tokens) => sum + tokens, 0)
        },
      ),
      { numRuns: 30 },
    )
  })
})
