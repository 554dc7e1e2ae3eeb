import { describe, expect, test } from '@jest/globals'
import { type FakeClock, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { digestOf, newPeerId, type PeerInfo, parseRepository, swarmIdOf } from '../../../../lib/core/index.ts'
import { type AnnounceSubject, announceSchedule } from '../../../../lib/swarm/announce/index.ts'
import type { AnnounceEntry, Announcer, AnnouncingNode } from '../../../../lib/swarm/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'

const INTERVAL = 10_000

interface Heard extends AnnounceEntry {
  readonly atMs: number
}

function setUp(
  answer: (batch: readonly AnnounceEntry[]) => readonly AnnounceEntry[] | Promise<never> = (batch) => batch,
) {
  const clock: FakeClock = fakeClock()
  const batches: Heard[][] = []
  const node = { peerId: newPeerId(seededRandom(4)), role: 'agent' as const, host: '0.0.0.0', port: 0 }
  const announcing: AnnouncingNode[] = []
  const announcer: Announcer = {
    announce: async (self, batch) => {
      announcing.push(self)
      batches.push(batch.map((entry) => ({ ...entry, atMs: clock.monotonicMs() })))
      const taken = await answer(batch)
      return taken.map(({ swarmId }) => ({ swarmId, peers: [] as readonly PeerInfo[], intervalMs: INTERVAL }))
    },
    tellSeeds: async () => ({ told: true, intervalMs: undefined }),
  }
  const components = { clock, random: seededRandom(3), logger: silentLogger(), announcer }
  const schedule = announceSchedule(components, { self: () => ({ ...node }) })
  return { clock, batches, schedule, node, announcing, said: () => batches.flat().map(({ event }) => event) }
}

function subject(name: string, init: Partial<AnnounceSubject> = {}) {
  const digest = digestOf(Buffer.from(name))
  const heard: string[] = []
  return {
    blob: { digest, repository: parseRepository('a') },
    swarmId: swarmIdOf(digest),
    leftBytes: 5,
    wantedPeers: 24,
    underConnected: false,
    reports: () => [],
    onAnswer: () => void heard.push('answer'),
    onUnanswered: () => void heard.push('unanswered'),
    ...init,
    heard,
  }
}

describe('the announce schedule', () => {
  test('says started at once, then goes by the interval it is told', async () => {
    const { clock, schedule, batches } = setUp()
    await schedule.start()
    const one = subject('one')
    schedule.join(one)
    await clock.advance(0)
    expect(batches[0]).toMatchObject([
      {
        event: 'started',
        swarmId: one.swarmId,
        leftBytes: 5,
        wantPeers: 24,
        repository: parseRepository('a'),
        atMs: 0,
      },
    ])
    expect(one.heard).toEqual(['answer'])
    await clock.advance(INTERVAL * 0.9 - 1)
    expect(batches).toHaveLength(1)
    await clock.advance(INTERVAL * 0.2 + 1)
    expect(batches[1]).toMatchObject([{ event: 'interval' }])
    await schedule.stop()
  })

  test('does not say started when a tracker has heard of it already, and goes by the interval of that answer', async () => {
    const { clock, schedule, batches } = setUp()
    await schedule.start()
    const one = subject('one')
    schedule.join(one, { peers: [], intervalMs: INTERVAL })
    expect(one.heard).toEqual(['answer'])
    expect(schedule.has(one.swarmId)).toBe(true)
    await clock.advance(INTERVAL * 0.9 - 1)
    expect(batches).toEqual([])
    await clock.advance(INTERVAL * 0.2 + 1)
    expect(batches).toMatchObject([[{ event: 'interval' }]])
    schedule.completed(one.swarmId)
    await clock.advance(100)
    expect(batches[1]).toMatchObject([{ event: 'completed' }])
    await schedule.stop()
  })

  test('asks once more soon when a tracker that heard of it otherwise named too few', async () => {
    const { clock, schedule, said } = setUp()
    await schedule.start()
    schedule.join(subject('one', { underConnected: true }), { peers: [], intervalMs: INTERVAL })
    await clock.advance(999)
    expect(said()).toEqual([])
    await clock.advance(1_001)
    expect(said()).toEqual(['interval'])
    await schedule.stop()
  })

  test('does not say stopped any more of what begins again before it was said', async () => {
    const { clock, schedule, said } = setUp()
    await schedule.start()
    const one = subject('one')
    schedule.join(one)
    await clock.advance(0)
    schedule.leave(one.swarmId)
    schedule.expect(one.swarmId)
    await clock.advance(INTERVAL * 2)
    expect(said()).toEqual(['started'])
    await schedule.stop()
  })

  test('tells with each batch who announces, as it is at that moment, and with the last one too', async () => {
    const { clock, schedule, node, announcing } = setUp()
    node.port = 6881
    await schedule.start()
    schedule.join(subject('one'))
    await clock.advance(0)
    node.port = 6882
    schedule.join(subject('two'))
    await clock.advance(100)
    node.port = 6883
    await schedule.stop()
    expect(announcing).toEqual([6881, 6882, 6883].map((port) => ({ ...node, port })))
  })

  test('puts what comes within a moment into one batch', async () => {
    const { clock, schedule, batches } = setUp()
    await schedule.start()
    schedule.join(subject('one'))
    await clock.advance(0)
    schedule.join(subject('two'))
    await clock.advance(5)
    schedule.join(subject('three'))
    await clock.advance(100)
    expect(batches.map((batch) => batch.length)).toEqual([1, 2])
    expect(batches[1]?.[0]?.atMs).toBe(20)
    await schedule.stop()
  })

  test('asks once more soon when there are too few peers, and only once', async () => {
    const { clock, schedule, batches } = setUp()
    await schedule.start()
    schedule.join(subject('one', { underConnected: true }))
    await clock.advance(8_000)
    expect(batches).toHaveLength(2)
    const again = batches[1]?.[0]?.atMs ?? 0
    expect(again).toBeGreaterThanOrEqual(1_000)
    expect(again).toBeLessThanOrEqual(2_000)
    await schedule.stop()
  })

  test('says completed at once, also when an announce is under way', async () => {
    const gate: { open?: () => void } = {}
    const { clock, schedule, said } = setUp((batch) =>
      gate.open === undefined
        ? new Promise((resolve) => Object.assign(gate, { open: () => resolve(batch as never) }))
        : batch,
    )
    await schedule.start()
    const one = subject('one')
    schedule.join(one)
    await clock.advance(0)
    schedule.completed(one.swarmId)
    await clock.advance(50)
    expect(said()).toEqual(['started'])
    gate.open?.()
    await clock.advance(50)
    expect(said()).toEqual(['started', 'completed'])
    await schedule.stop()
  })

  test('repeats an event that no tracker heard, with growing pauses', async () => {
    let alive = false
    const { clock, schedule, batches, said } = setUp((batch) => (alive ? batch : []))
    await schedule.start()
    const one = subject('one')
    schedule.join(one)
    await clock.advance(60_000)
    const failed = batches.length
    expect(failed).toBeGreaterThan(3)
    expect(failed).toBeLessThan(20)
    alive = true
    await clock.advance(60_000)
    expect(said()[failed]).toBe('started')
    expect(said()[failed + 1]).toBe('interval')
    expect(one.heard.filter((what) => what === 'unanswered')).toHaveLength(failed)
    await schedule.stop()
  })

  test('survives an announcer that throws', async () => {
    const { clock, schedule } = setUp(() => Promise.reject(new TypeError('broken')))
    await schedule.start()
    const one = subject('one')
    schedule.join(one)
    await clock.advance(10)
    expect(one.heard).toEqual(['unanswered'])
    await schedule.stop()
  })

  test('says stopped for who leaves, and for everybody at the stop', async () => {
    const { clock, schedule, batches } = setUp()
    await schedule.start()
    const [one, two] = [subject('one'), subject('two')]
    schedule.join(one)
    schedule.join(two)
    await clock.advance(100)
    schedule.leave(one.swarmId)
    schedule.leave(one.swarmId)
    await clock.advance(100)
    expect(batches.at(-1)).toMatchObject([{ event: 'stopped', swarmId: one.swarmId, wantPeers: 0 }])
    await schedule.stop()
    expect(batches.at(-1)).toMatchObject([{ event: 'stopped', swarmId: two.swarmId }])
    expect(clock.pending).toBe(0)
  })

  test('does not wait long for trackers at the stop', async () => {
    let stuck = false
    const { clock, schedule } = setUp((batch) => (stuck ? new Promise(() => undefined) : batch))
    await schedule.start()
    schedule.join(subject('one'))
    await clock.advance(100)
    stuck = true
    const stopped = schedule.stop()
    await clock.advance(2_500)
    await stopped
    expect(clock.pending).toBe(0)
  })

  test('sends large numbers in several batches', async () => {
    const { clock, schedule, batches } = setUp()
    await schedule.start()
    for (let index = 0; index < 1_200; index += 1) schedule.join(subject(`blob ${index}`))
    await clock.advance(200)
    expect(batches.map((batch) => batch.length)).toEqual([500, 500, 200])
    await schedule.stop()
  })
})
