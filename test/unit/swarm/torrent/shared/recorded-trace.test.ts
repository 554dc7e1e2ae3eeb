import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../../lib/base/index.ts'
import { PullWatch } from '../../../../../lib/swarm/torrent/shared/pull-trace.ts'
import { RecordedTrace } from '../../../../../lib/swarm/torrent/shared/recorded-trace.ts'

function traced() {
  const clock = fakeClock()
  /** Stands still when the test says so. */
  const wheel = {
    lostMs: 0,
    get nowMs() {
      return clock.monotonicMs() - wheel.lostMs
    },
  }
  const trace = new RecordedTrace(clock, 'disk')
  return { clock, wheel, trace, watch: new PullWatch({ clock, wheel }, trace) }
}

const peer = (id: string) => ({ id, address: `${id}:1`, role: 'agent' as const, late: 0 })

test('the waits of a pull add up to its length, whatever happens', async () => {
  const { clock, trace, watch } = traced()
  const causes = ['metainfo', 'arriving', 'client', 'arriving', 'digest'] as const
  for (const [at, cause] of causes.entries()) {
    watch.turn(cause, cause === 'arriving' ? peer(`p${at}`) : undefined)
    await clock.advance(100 * (at + 1))
  }
  const sum = () => trace.report().waits.reduce((ms, wait) => ms + wait.ms, 0)
  expect(sum()).toBe(1_500)
  trace.stop()
  await clock.advance(1_000)
  watch.turn('disk')
  expect(sum()).toBe(1_500)
})

test('a report on the way counts the wait under way, and changes nothing', async () => {
  const { clock, trace, watch } = traced()
  watch.turn('busy', peer('a'), 3)
  await clock.advance(200)
  const [first] = trace.report().waits
  trace.report()
  await clock.advance(100)
  expect(first).toEqual({
    cause: 'busy',
    from: { id: 'a', address: 'a:1', role: 'agent' },
    ms: 200,
    times: 1,
    holders: 3,
  })
  expect(trace.report().waits[0]).toMatchObject({ ms: 300, times: 1 })
})

test('timedOut: a wait for a peer is called so once that was too late', async () => {
  const { clock, trace, watch } = traced()
  const slow = peer('a')
  watch.turn('arriving', slow)
  await clock.advance(500)
  slow.late += 1
  watch.turn('arriving', slow)
  await clock.advance(100)
  expect(trace.report().waits).toMatchObject([
    { cause: 'timedOut', ms: 500 },
    { cause: 'arriving', ms: 100 },
    { ms: 0 },
  ])
})

test('standstill: the time for which the process stood still belongs to nobody else', async () => {
  const { clock, wheel, trace, watch } = traced()
  watch.turn('arriving', peer('a'))
  await clock.advance(1_000)
  wheel.lostMs = 700
  watch.turn('client')
  expect(trace.report().waits).toMatchObject([{ cause: 'standstill', ms: 700 }, { cause: 'arriving', ms: 300 }, {}, {}])
})

test('many peers and many waits take bounded memory, and the longest waits stay', async () => {
  const { clock, trace, watch } = traced()
  for (let at = 0; at < 500; at += 1) {
    watch.turn('arriving', peer(`p${at}`))
    await clock.advance(at === 250 ? 9_000 : 10)
  }
  const { waits, longest } = trace.report()
  expect(waits.length).toBeLessThanOrEqual(50)
  expect(longest).toHaveLength(12)
  expect(Math.max(...longest.map(({ ms }) => ms))).toBe(9_000)
  expect(waits.reduce((ms, wait) => ms + wait.ms, 0)).toBe(499 * 10 + 9_000)
})

test('nothing is told while nothing changes', () => {
  const { trace, watch } = traced()
  const from = peer('a')
  for (let at = 0; at < 5; at += 1) watch.turn('arriving', from)
  expect(trace.report().waits).toMatchObject([
    { cause: 'disk', times: 1 },
    { cause: 'arriving', times: 1 },
  ])
})
