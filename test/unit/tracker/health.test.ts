import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { newPeerId } from '../../../lib/core/index.ts'
import { costOf, isAbnormal, isAgreed, isFailing, type Usual } from '../../../services/tracker/hosts/health.ts'
import { hostHealth, WINDOW } from '../../../services/tracker/hosts/host-health.ts'

const MIB = 1024 * 1024
const random = seededRandom(5)
const MINUTE = 60_000

describe('a cost is abnormal', () => {
  test.each<readonly [string, number, Usual, boolean]>([
    ['never while nothing is known of others', 1e6, { count: 2, mean: 1, sigma: 0 }, false],
    ['above 20 times the mean', 2_001, { count: 3, mean: 100, sigma: 900 }, true],
    ['not at 20 times the mean', 2_000, { count: 29, mean: 100, sigma: 10 }, false],
    ['above three deviations in a full window', 3_101, { count: 30, mean: 100, sigma: 1_000 }, true],
    ['not within three deviations', 3_100, { count: 30, mean: 100, sigma: 1_000 }, false],
    ['not when all are nearly alike', 2_000, { count: 99, mean: 100, sigma: 1 }, false],
    ['but at more than twenty times the mean', 2_001, { count: 99, mean: 100, sigma: 1 }, true],
    ['never when a MiB takes half a second, however fast others are', 500, { count: 99, mean: 1, sigma: 1 }, false],
    ['but when it takes longer', 501, { count: 99, mean: 1, sigma: 1 }, true],
  ])('%s', (_name, cost, usual, expected) => {
    expect(isAbnormal({ cost, askers: 1 }, usual)).toBe(expected)
    expect(isAbnormal({ cost: 7 * cost, askers: 7 }, usual)).toBe(expected)
  })
})

test.each<readonly [string, number, number, boolean]>([
  ['nothing failed', 0, 0, false],
  ['a dial failed', 0, 1, true],
  ['one block of many was late', 10 * MIB, 1, false],
  ['half of the blocks did not come', 64 * 16_384, 64, true],
])('who asks says that a peer fails: %s', (_name, bytes, failures, expected) => {
  expect(isFailing({ bytes, failures })).toBe(expected)
})

test.each<readonly [number, number, boolean]>([
  [1, 1, false],
  [2, 2, false],
  [3, 3, true],
  [3, 5, true],
  [3, 6, false],
  [9, 16, true],
])('%d of %d askers agree: %p', (saying, heard, expected) => {
  expect(isAgreed(saying, heard)).toBe(expected)
})

test('a cost is for a MiB, and few bytes or no time tell none', () => {
  expect(costOf({ bytes: 2 * MIB, failures: 0, costMs: 300 })).toBe(150)
  expect(costOf({ bytes: 1000, failures: 0, costMs: 300 })).toBeUndefined()
  expect(costOf({ bytes: 2 * MIB, failures: 0 })).toBeUndefined()
  expect(costOf({ bytes: MIB, failures: 0, costMs: 1e12 })).toBe(600_000)
})

describe('the health of hosts', () => {
  const lab = (maxHosts = 99) => {
    const clock = fakeClock()
    const health = hostHealth(clock, { maxHosts })
    const [slow, ...others] = Array.from({ length: 9 }, () => newPeerId(random))
    const says = (asker: string, about = slow, costMs = 10) =>
      health.reported(asker, about as never, { bytes: MIB, failures: 0, costMs })
    const usual = (...askers: readonly string[]) => {
      for (const asker of askers) for (const peer of others) says(asker, peer)
    }
    return { clock, health, slow: slow as NonNullable<typeof slow>, says, usual }
  }

  test('a peer is out when several askers wait far longer for it than for others', () => {
    const { health, slow, says, usual } = lab()
    usual('a', 'b')
    for (const asker of ['a', 'b']) says(asker, slow, 5_000)
    expect(health.of(slow)).toEqual({ state: 'good' })
    says('c', slow, 4_000)
    expect(health.of(slow)).toMatchObject({
      state: 'out',
      why: 'slow: 3 of 3 askers waited 4000 ms or more for each MiB, for others 10 ms',
    })
  })

  test('a peer that gives to many askers as much together as others give to one stays', () => {
    const { health, slow, says, usual } = lab()
    const askers = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    usual(...askers)
    for (const asker of askers) says(asker, slow, 3 * 500)
    expect(health.of(slow)).toEqual({ state: 'good' })
    for (const asker of askers) says(asker, slow, 7 * 501)
    expect(health.of(slow)).toMatchObject({ state: 'out' })
  })

  test('one liar alone puts nobody out, however often it speaks', () => {
    const { health, slow, says, usual } = lab()
    usual('a', 'b', 'c')
    for (let i = 0; i < 100; i += 1) {
      says('liar', slow, 60_000)
      health.reported('liar', slow, { bytes: 0, failures: 9 })
    }
    expect(health.of(slow).state).toBe('good')
  })

  test('three liars put nobody out whom as many others find well', () => {
    const { health, slow, says, usual } = lab()
    usual('a', 'b', 'c')
    for (const asker of ['a', 'b', 'c']) says(asker)
    for (const liar of ['x', 'y', 'z']) health.reported(liar, slow, { bytes: 0, failures: 1 })
    expect(health.of(slow).state).toBe('good')
  })

  test('a peer that several askers cannot reach is out', () => {
    const { health, slow } = lab()
    for (const asker of ['a', 'b', 'c']) health.reported(asker, slow, { bytes: 0, failures: 1 })
    expect(health.of(slow)).toMatchObject({ state: 'out', why: expect.stringContaining('3 of 3 askers') })
  })

  test('it comes back on probation, is out for longer the next time, and is well again after a quiet time', async () => {
    const { clock, health, slow } = lab()
    const fail = () => {
      for (const asker of ['a', 'b', 'c']) health.reported(asker, slow, { bytes: 0, failures: 1 })
    }
    fail()
    await clock.advance(5 * MINUTE - 1)
    expect(health.of(slow).state).toBe('out')
    await clock.advance(1)
    expect(health.of(slow).state).toBe('probation')
    fail()
    await clock.advance(5 * MINUTE)
    expect(health.of(slow).state).toBe('out')
    await clock.advance(5 * MINUTE)
    expect(health.of(slow).state).toBe('probation')
    await clock.advance(15 * MINUTE)
    expect(health.of(slow)).toEqual({ state: 'good' })
    fail()
    await clock.advance(5 * MINUTE)
    expect(health.of(slow).state).toBe('probation')
  })

  test('what was said long ago does not count', async () => {
    const { clock, health, slow } = lab()
    for (const asker of ['a', 'b']) health.reported(asker, slow, { bytes: 0, failures: 1 })
    await clock.advance(11 * MINUTE)
    health.reported('c', slow, { bytes: 0, failures: 1 })
    expect(health.of(slow).state).toBe('good')
  })

  test('the rate of a peer is what its askers measure, each by its last word', () => {
    const { health, slow, says } = lab()
    expect(health.bytesPerSecondOf(slow)).toBeUndefined()
    for (const asker of ['a', 'b']) says(asker, slow, 100)
    for (let i = 0; i < 9; i += 1) says('a', slow, 300)
    expect(health.bytesPerSecondOf(slow)).toBe(5 * MIB)
  })

  test('memory is bounded: by askers of a peer, and by peers', () => {
    const { health, slow, says } = lab(5)
    for (let i = 0; i < 10 * WINDOW; i += 1) says(`asker ${i}`, slow, i < 9 * WINDOW ? 1 : 1_000)
    expect(health.bytesPerSecondOf(slow)).toBe(MIB)
    const many = Array.from({ length: 50 }, () => newPeerId(random))
    for (const peer of many) says('a', peer)
    expect(many.filter((peer) => health.bytesPerSecondOf(peer) !== undefined)).toEqual(many.slice(-5))
    expect(health.bytesPerSecondOf(slow)).toBeUndefined()
  })
})
