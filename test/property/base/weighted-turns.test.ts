import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fairBucket, fakeClock, weightedTurns } from '../../../lib/base/index.ts'

const weights = fc.array(fc.integer({ min: 1, max: 32 }), { minLength: 2, maxLength: 5 })
const LARGEST = 100
/** Who wants something at each turn, by bits, and how much it takes. */
const turns = fc.array(fc.tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 1, max: LARGEST })), {
  minLength: 100,
  maxLength: 400,
})

test('who always wants something has at any time what its weight gives it, but for one turn, and so is never starved', () => {
  fc.assert(
    fc.property(weights, turns, (parties, wishes) => {
      const round = weightedTurns<number>()
      for (const [party, weight] of parties.entries()) round.add(party, weight)
      const had = parties.map(() => 0)
      for (const [bits, amount] of wishes) {
        // The last one always wants something.
        const wants = (party: number) => party === parties.length - 1 || (bits & (1 << party)) !== 0
        const party = round.next(wants)!
        round.took(party, amount)
        had[party]! += amount
      }
      const sum = parties.reduce((all, weight) => all + weight, 0)
      const total = had.reduce((all, amount) => all + amount, 0)
      const own = had.at(-1)!
      // Each of the others may be ahead of it by one turn.
      const due = ((total - LARGEST * (parties.length - 1)) * parties.at(-1)!) / sum
      return own >= due - 1e-6
    }),
  )
})

test('who wanted nothing for a while gets no more for it afterwards', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 16 }), (silent, weight) => {
      const round = weightedTurns<string>()
      round.add('steady', weight)
      round.add('back', weight)
      for (let at = 0; at < silent; at += 1) round.took(round.next((party) => party === 'steady')!, 10)
      const after = Array.from({ length: 10 }, () => {
        const party = round.next(() => true)!
        round.took(party, 10)
        return party
      })
      expect(after.filter((party) => party === 'back')).toHaveLength(5)
    }),
  )
})

test('a rate is shared by weight, whatever the number of flows and the sizes of what they take', async () => {
  const flows = fc.integer({ min: 1, max: 6 })
  const size = fc.integer({ min: 1, max: 50 })
  await fc.assert(
    fc.asyncProperty(flows, flows, size, size, async (highs, lows, highSize, lowSize) => {
      const clock = fakeClock(0)
      const bucket = fairBucket(clock, { ratePerSecond: 1_000, burst: 100, turn: 50 })
      const had = { high: 0, low: 0 }
      const fill = (name: 'high' | 'low', weight: number, count: number, tokens: number) => {
        for (let at = 0; at < count; at += 1) {
          const flow = bucket.flow({ weight })
          const takes = async () => {
            for (;;) {
              await flow.take(tokens)
              had[name] += tokens
            }
          }
          // More wait at any time than are served at once.
          for (let waiting = 0; waiting < 400; waiting += 1) void takes()
        }
      }
      fill('low', 1, lows, lowSize)
      fill('high', 4, highs, highSize)
      await clock.advance(10_000)
      const share = had.low / (had.low + had.high)
      return share > 0.17 && share < 0.23
    }),
    { numRuns: 20 },
  )
})
