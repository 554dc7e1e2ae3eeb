import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom, wheel } from '../../../lib/base/index.ts'

function setUp() {
  const clock = fakeClock()
  const it = wheel(clock)
  const rung: { readonly name: string; readonly atMs: number }[] = []
  const alarm = (name: string) => it.alarm((atMs) => void rung.push({ name, atMs }))
  return { clock, it, rung, alarm }
}

test('an alarm rings once, when it is due', async () => {
  const { clock, rung, alarm } = setUp()
  alarm('a').at(250)
  await clock.advance(249)
  expect(rung).toEqual([])
  await clock.advance(1_000)
  expect([rung, clock.pending]).toEqual([[{ name: 'a', atMs: 250 }], 0])
})

test('an alarm can be moved, pulled forward and unset', async () => {
  const { clock, rung, alarm } = setUp()
  const [moved, pulled, unset] = [alarm('moved'), alarm('pulled'), alarm('unset')]
  moved.at(100)
  moved.at(300)
  pulled.at(500)
  pulled.by(200)
  pulled.by(400)
  unset.at(100)
  unset.cancel()
  await clock.advance(1_000)
  expect(rung).toEqual([
    { name: 'pulled', atMs: 200 },
    { name: 'moved', atMs: 300 },
  ])
})

test('an alarm at a fraction of a millisecond rings, however the clock rounds', async () => {
  const { clock, it, rung, alarm } = setUp()
  for (let round = 1; round <= 20; round += 1) {
    alarm('a').at(it.nowMs + round / 7)
    await clock.advance(4.3)
  }
  expect(rung).toHaveLength(20)
})

test('an alarm that sets itself again in the past rings the next time, and does not hold up the others', async () => {
  const { clock, it, rung, alarm } = setUp()
  let left = 3
  const again = it.alarm((nowMs) => {
    rung.push({ name: 'again', atMs: nowMs })
    left -= 1
    if (left > 0) again.at(nowMs - 10)
  })
  again.at(100)
  alarm('other').at(100)
  await clock.advance(100)
  expect(rung.map(({ name }) => name)).toEqual(['again', 'other', 'again', 'again'])
})

test('once it is stopped nothing rings, not even what is due together with the one that stops it', async () => {
  const { clock, it, rung, alarm } = setUp()
  it.alarm(() => it.stop()).at(100)
  alarm('same moment').at(100)
  alarm('later').at(200)
  await clock.advance(1_000)
  expect([rung, clock.pending]).toEqual([[], 0])
})

test('its time stands still while the process does, and alarms wait until what came meanwhile could be read', async () => {
  const { clock, it, rung, alarm } = setUp()
  alarm('a').at(100)
  clock.stall(700)
  expect(it.nowMs).toBe(100)
  await clock.advance(5)
  expect(rung).toEqual([])
  await clock.advance(10)
  expect(rung).toEqual([{ name: 'a', atMs: 110 }])
  alarm('b').at(210)
  await clock.advance(94)
  expect(rung).toHaveLength(1)
  await clock.advance(1)
  expect(rung).toHaveLength(2)
})

test('a standstill in the middle of a long wait uses up a quarter of it at most', async () => {
  const { clock, it, rung, alarm } = setUp()
  alarm('a').at(10_000)
  await clock.advance(2_000)
  clock.stall(60_000)
  await clock.advance(10)
  expect([it.nowMs, rung]).toEqual([2_510, []])
  await clock.advance(7_489)
  expect(rung).toEqual([])
  await clock.advance(1)
  expect(rung).toEqual([{ name: 'a', atMs: 10_000 }])
})

test('one that is never in time still rings its alarms', async () => {
  const { clock, rung, alarm } = setUp()
  alarm('a').at(100)
  for (let round = 0; round < 3; round += 1) {
    clock.stall(1_000)
    await clock.advance(0)
  }
  expect(rung).toHaveLength(1)
})

test('an idle wheel has no timer, and one that waits wakes seldom', async () => {
  const clock = fakeClock()
  let timers = 0
  const it = wheel({
    monotonicMs: () => clock.monotonicMs(),
    setTimer(delayMs, fn) {
      timers += 1
      return clock.setTimer(delayMs, fn)
    },
  })
  it.alarm(() => undefined).at(60_000)
  await clock.advance(60_000)
  expect(timers).toBeLessThan(40)
  await clock.advance(60_000)
  expect([timers < 40, clock.pending]).toEqual([true, 0])
})

test('when its last alarm is unset after a standstill, before alarms ring, it goes on with the next one', async () => {
  const { clock, rung, alarm } = setUp()
  const last = alarm('last')
  last.at(100)
  clock.stall(700)
  await clock.advance(5)
  last.cancel()
  alarm('next').at(200)
  await clock.advance(1_000)
  expect(rung.map(({ name }) => name)).toEqual(['next'])
})

test('whatever is set, moved and unset, and however often the process stands still, what is set rings in time', async () => {
  const random = seededRandom(11)
  const below = (limit: number) => Math.floor(random.next() * limit)
  const { clock, it } = setUp()
  const dueMs = new Map<number, number>()
  const wrong: string[] = []
  const alarms = [0, 1, 2].map((name) =>
    it.alarm((nowMs) => {
      if (nowMs < (dueMs.get(name) ?? Number.POSITIVE_INFINITY)) wrong.push(`${name} rang at ${nowMs}`)
      dueMs.delete(name)
    }),
  )
  for (let step = 0; step < 3_000; step += 1) {
    const name = below(alarms.length)
    const atMs = it.nowMs + below(300)
    const what = below(4)
    if (what === 0) alarms[name]?.at(atMs)
    if (what === 0) dueMs.set(name, atMs)
    if (what === 1) alarms[name]?.cancel()
    if (what === 1) dueMs.delete(name)
    if (what === 2) clock.stall(below(400))
    if (what === 3) await clock.advance(below(40))
    if (step % 50 !== 49) continue
    await clock.advance(400)
    for (const left of dueMs.keys()) wrong.push(`${left} has not rung at step ${step}`)
  }
  expect(wrong.slice(0, 3)).toEqual([])
})

test('its time never goes backwards, however often it is asked for while its timer is late', () => {
  const random = seededRandom(7)
  let clockMs = 0
  const it = wheel({ monotonicMs: () => clockMs, setTimer: () => ({ cancel: () => undefined }) })
  it.alarm(() => undefined).at(20)
  let lastMs = it.nowMs
  for (let look = 0; look < 500; look += 1) {
    clockMs += random.next() * 70
    const { nowMs } = it
    expect(nowMs).toBeGreaterThanOrEqual(lastMs)
    lastMs = nowMs
  }
})
