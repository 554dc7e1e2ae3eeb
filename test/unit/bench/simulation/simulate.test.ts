import { describe, expect, test } from '@jest/globals'
import { median } from '../../../bench/measure.ts'
import {
  calm,
  krakenScenario,
  roughScenario,
  type Scenario,
  zonesScenario,
} from '../../../bench/simulation/scenario.ts'
import { simulate } from '../../../bench/simulation/simulate.ts'

const MIB = 1024 * 1024

const small = (more: Partial<Scenario> = {}): Scenario => ({
  ...calm,
  ...{ agents: 12, origins: 2, layers: [24 * MIB, 12 * MIB], pieceLength: MIB },
  ...{ agentRates: { up: 50 * MIB, down: 50 * MIB }, originRates: { up: 50 * MIB, down: 50 * MIB } },
  ...more,
})

describe('a simulated swarm', () => {
  test('is the same with the same seed, and another one with another', () => {
    const rough = roughScenario(12, small({ slow: { share: 0.2, rate: 0.3 }, lost: { share: 0.2, withinMs: 500 } }))
    expect(simulate(rough)).toEqual(simulate(rough))
    expect(simulate({ ...rough, seed: 2 }).finishMs).not.toEqual(simulate(rough).finishMs)
  })

  test('gives every agent every piece once, and loses none of them to the books', () => {
    const { finishMs, tally } = simulate(small())
    const given = tally.agentBytes + tally.originBytes - tally.wastedBytes
    expect(finishMs.every(Number.isFinite)).toBe(true)
    // Bytes that are still under way at the end are waste that has not come.
    expect(given).toBeGreaterThanOrEqual(12 * 36 * MIB)
    expect(given).toBeLessThan(12 * 36 * MIB * 1.02)
  })

  test.each([1, 2, 3])('tells of pieces that come in the moment in which peers are told of others: seed %d', (seed) => {
    const rates = { agentRates: { up: 8 * MIB, down: 8 * MIB }, originRates: { up: 8 * MIB, down: 8 * MIB } }
    const blobs = { layers: [12 * MIB, 12 * MIB], pieceLength: MIB / 4 }
    const equal = { startWithinMs: 0, verifyBytesPerSecond: Number.POSITIVE_INFINITY }
    const base = { ...small({ ...rates, ...blobs, ...equal }), seed }
    const atOnce = simulate({ ...base, latencyMs: 0, farLatencyMs: 0 })
    const near = simulate(base)
    expect(median(atOnce.finishMs) / median(near.finishMs)).toBeLessThan(1.1)
    // An agent that never tells of a piece never ends, and its run ticks on until the limit of a run.
    expect(atOnce.events / near.events).toBeLessThan(1.5)
  })

  test('is never faster than a link', () => {
    const { finishMs } = simulate(small())
    const fastestMs = ((36 * MIB - 2 * 5 * MIB) / (50 * MIB)) * 1000
    expect(Math.min(...finishMs)).toBeGreaterThan(fastestMs)
  })

  test('shares a slow origin: copies stay few, however many agents come', () => {
    const origins = { originRates: { up: 10 * MIB, down: 10 * MIB } }
    expect(simulate(small({ ...origins, agents: 40 })).copies).toBeLessThan(4)
  })

  test('with slow hosts ends later only for these', () => {
    const fast = simulate(small())
    const { finishMs } = simulate(small({ slow: { share: 0.25, rate: 0.1 } }))
    const late = finishMs.filter((ms) => ms > 2 * Math.max(...fast.finishMs))
    expect(late).toHaveLength(3)
  })

  test('goes on when hosts vanish, and does not count them', () => {
    const { finishMs } = simulate(small({ lost: { share: 0.25, withinMs: 300 } }))
    expect(finishMs).toHaveLength(9)
    expect(finishMs.every(Number.isFinite)).toBe(true)
  })

  test('takes longer between zones that are far from each other', () => {
    const near = simulate(small())
    const far = simulate(small({ zones: 3, farLatencyMs: 100 }))
    expect(Math.min(...far.finishMs)).toBeGreaterThan(Math.min(...near.finishMs) + 100)
  })

  test('takes its time of each agent from when that agent came', () => {
    const { finishMs } = simulate(small({ late: { share: 0.5, withinMs: 60_000 } }))
    expect(Math.max(...finishMs)).toBeLessThan(10_000)
  })
})

test('the day that Kraken published is an image of 3 GB, whose 2 layers share the links of each host', () => {
  const { finishMs } = simulate(krakenScenario(4, { pieceLength: 4 * MIB }))
  expect(Math.min(...finishMs)).toBeGreaterThan(9_500)
})

describe('two zones with a narrow link, and origins in one of them', () => {
  const zones = (more: Partial<Scenario>) =>
    simulate(zonesScenario(20, { layers: [48 * MIB], pieceLength: MIB, farBytesPerSecond: 10 * MIB, ...more }))

  test.each(['topology', 'adaptive'] as const)('%s carries about one copy across', (policy) => {
    for (const seed of [1, 2, 3]) {
      const { copiesAcross, finishMs } = zones({ policy, seed })
      expect(copiesAcross).toBeGreaterThanOrEqual(1)
      expect(copiesAcross).toBeLessThanOrEqual(1.2)
      expect(finishMs.every(Number.isFinite)).toBe(true)
    }
  })

  test('a policy that does not look at zones carries several, and nothing passes faster than the link', () => {
    const { copiesAcross, finishMs } = zones({ policy: 'completeness' })
    expect(copiesAcross).toBeGreaterThan(2)
    expect(Math.max(...finishMs)).toBeGreaterThan(4_800)
  })
})
