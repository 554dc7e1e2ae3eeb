import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type Pauses, pauses } from '../../../lib/backend/governor/pauses.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { readPriorities } from '../../../lib/core/index.ts'

const step = fc.record({
  waitMs: fc.nat({ max: 8_000 }),
  priority: fc.constantFrom(...readPriorities),
  answerMs: fc.nat({ max: 500 }),
  answer: fc.constantFrom('accepted', 'accepted', 'throttled', 'throttled', 'heard'),
  retryAfterMs: fc.option(fc.nat({ max: 20_000 }), { nil: undefined }),
})
const world = fc.record({ seed: fc.integer(), steps: fc.array(step, { maxLength: 30 }) })

const leftOf = (all: Pauses) => readPriorities.map((priority) => all.remainingFor(priority))

test('what is less urgent never waits for less, and each answer makes one priority more pause that had requests', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ seed, steps }) => {
      const clock = fakeClock()
      const all = pauses({ clock, random: seededRandom(seed) }, { baseMs: 200, maxMs: 20_000 })
      for (const { waitMs, priority, answerMs, answer, retryAfterMs } of steps) {
        await clock.advance(waitMs)
        if (all.remainingFor(priority) > 0) continue
        const sentMs = clock.monotonicMs()
        all.sent(priority)
        await clock.advance(answerMs)
        const before = leftOf(all)
        if (answer === 'heard') all.hear(retryAfterMs ?? 0)
        else if (answer === 'accepted') all.accepted(sentMs)
        else all.throttled(sentMs, retryAfterMs)
        const after = leftOf(all)
        expect(after).toEqual(after.toSorted((a, b) => a - b))
        expect(after.every((ms, i) => ms >= before[i]!)).toBe(true)
        if (answer !== 'throttled') continue
        // Something pauses, for at least as long as the backend has said.
        expect(after.at(-1)).toBeGreaterThanOrEqual(retryAfterMs ?? 0)
        // A more urgent request keeps going only where a less urgent one has just begun to pause.
        const begun = after.map((ms, i) => ms > 0 && before[i] === 0)
        if (begun.includes(true)) expect(after.lastIndexOf(0)).toBe(begun.indexOf(true) - 1)
      }
    }),
    { numRuns: 200 },
  )
})
