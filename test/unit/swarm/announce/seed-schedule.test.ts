import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { digestOf, newPeerId, parseRepository, swarmIdOf } from '../../../../lib/core/index.ts'
import { announceSchedule } from '../../../../lib/swarm/announce/index.ts'
import type { Announcer, SeedChange, SeedsTold } from '../../../../lib/swarm/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'

const INTERVAL = 10_000
const told = { told: true, intervalMs: INTERVAL }

function setUp(answer: () => SeedsTold | Promise<SeedsTold> = () => told, seedsAwaited = false) {
  const clock = fakeClock()
  const calls: { readonly atMs: number; readonly changes: readonly SeedChange[] }[] = []
  const events: string[] = []
  const announcer: Announcer = {
    announce: async (_, batch) => {
      events.push(...batch.map(({ event }) => event))
      return batch.map(({ swarmId }) => ({ swarmId, peers: [], intervalMs: INTERVAL }))
    },
    tellSeeds: async (_, changes) => {
      calls.push({ atMs: clock.monotonicMs(), changes })
      events.push(...changes.map(({ seeded }) => (seeded ? 'has' : 'lost')))
      return answer()
    },
  }
  const self = { peerId: newPeerId(seededRandom(4)), role: 'agent' as const, host: '0.0.0.0', port: 1 }
  const components = { clock, random: seededRandom(3), logger: silentLogger(), announcer }
  const schedule = announceSchedule(components, { self: () => self, seedsAwaited })
  const sizes = () => calls.map(({ changes }) => changes.length)
  return { clock, calls, events, sizes, schedule }
}

function blob(name: string, leftBytes = 0) {
  const digest = digestOf(Buffer.from(name))
  return {
    blob: { digest, repository: parseRepository('a') },
    swarmId: swarmIdOf(digest),
    leftBytes,
    wantedPeers: leftBytes > 0 ? 24 : 0,
    underConnected: false,
    reports: () => [],
    onAnswer: () => undefined,
    onUnanswered: () => undefined,
  }
}

describe('the schedule of seeds', () => {
  test('tells 500 stored blobs in one call, and then one call for each interval says that the node is alive', async () => {
    const { clock, schedule, sizes, events } = setUp()
    for (let i = 0; i < 500; i += 1) schedule.join(blob(`blob ${i}`))
    await schedule.start()
    await clock.advance(INTERVAL * 5)
    expect(sizes()).toEqual([500, 0, 0, 0, 0, ...(sizes().length > 5 ? [0] : [])])
    expect(new Set(events)).toEqual(new Set(['has']))
    await schedule.stop()
  })

  test('tells at its start and in each interval that a node without any blob is alive', async () => {
    const { clock, schedule, sizes } = setUp()
    await schedule.start()
    await clock.advance(INTERVAL * 3)
    expect(sizes().slice(0, 3)).toEqual([0, 0, 0])
    await schedule.stop()
  })

  test('lets changes that nobody waits for come together for one to two seconds', async () => {
    const { clock, schedule, calls } = setUp()
    await schedule.start()
    schedule.join(blob('one'))
    await clock.advance(10)
    for (const name of ['two', 'three', 'four']) {
      schedule.join(blob(name))
      await clock.advance(100)
    }
    schedule.leave(blob('four').swarmId)
    await clock.advance(2_000)
    expect(calls.map(({ changes }) => changes.length)).toEqual([1, 3])
    expect(calls[1]?.atMs).toBeGreaterThanOrEqual(1_000)
    expect(calls[1]?.atMs).toBeLessThanOrEqual(2_010)
    expect(calls[1]?.changes.map(({ seeded }) => seeded)).toEqual([true, true, false])
    await schedule.stop()
  })

  test.each([
    ['a blob that a pull has completed', false],
    ['a blob that came to an origin', true],
  ])('tells %s within 20 ms', async (_name, origin) => {
    const { clock, schedule, calls } = setUp(undefined, origin)
    await schedule.start()
    schedule.join(blob('before'))
    await clock.advance(10)
    if (origin) schedule.join(blob('one'))
    else {
      schedule.join(blob('one', 5))
      schedule.completed(blob('one').swarmId)
    }
    await clock.advance(20)
    expect(calls.map(({ atMs }) => atMs)).toEqual([0, 20])
    expect(calls[1]?.changes).toMatchObject([{ swarmId: blob('one').swarmId, seeded: true }])
    await schedule.stop()
  })

  test('no longer announces a completed download by itself', async () => {
    const { clock, schedule, events } = setUp()
    await schedule.start()
    schedule.join(blob('one', 5))
    await clock.advance(100)
    schedule.completed(blob('one').swarmId)
    await clock.advance(INTERVAL * 5)
    expect(events.toSorted()).toEqual(['completed', 'has', 'started'])
    expect(schedule.has(blob('one').swarmId)).toBe(true)
    await schedule.stop()
    expect(events.at(-1)).toBe('lost')
  })

  test('tells that a blob is lost before it announces that it is pulled again', async () => {
    const { clock, schedule, events } = setUp()
    await schedule.start()
    schedule.join(blob('one'))
    await clock.advance(10)
    schedule.leave(blob('one').swarmId)
    schedule.join(blob('one', 5))
    await clock.advance(100)
    expect(events).toEqual(['has', 'lost', 'started'])
    await schedule.stop()
  })

  test('tells again soon when a tracker did not answer, with no changes and growing pauses', async () => {
    let answers = false
    const { clock, schedule, sizes } = setUp(() => {
      if (answers) return told
      return sizes().length % 2 === 0 ? { told: false, intervalMs: undefined } : Promise.reject(appError('UNKNOWN'))
    })
    await schedule.start()
    schedule.join(blob('one'))
    await clock.advance(60_000)
    const failed = sizes().length
    expect(failed).toBeGreaterThan(3)
    expect(failed).toBeLessThan(20)
    expect(sizes().slice(1)).toEqual(Array(failed - 1).fill(0))
    answers = true
    await clock.advance(60_000)
    expect(sizes().length).toBeLessThanOrEqual(failed + 7)
    await schedule.stop()
  })

  test('the others hear within their interval that the node is alive while one tracker fails', async () => {
    const { clock, schedule, calls } = setUp(() => ({ told: false, intervalMs: 5_000 }))
    await schedule.start()
    schedule.join(blob('one'))
    await clock.advance(120_000)
    const pauses = calls.slice(1).map(({ atMs }, i) => atMs - (calls[i]?.atMs ?? 0))
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5_500)
    await schedule.stop()
  })

  test('says at the stop that everything is gone, and waits no longer than two seconds for it', async () => {
    let stuck = false
    const { clock, schedule, calls } = setUp(() => (stuck ? new Promise<SeedsTold>(() => undefined) : told))
    await schedule.start()
    schedule.join(blob('one'))
    await clock.advance(10)
    schedule.join(blob('two'))
    stuck = true
    const stopped = schedule.stop()
    await clock.advance(2_500)
    await stopped
    expect(calls.at(-1)?.changes.map(({ seeded }) => seeded)).toEqual([false, false])
    expect(clock.pending).toBe(0)
  })
})
