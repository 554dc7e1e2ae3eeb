import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { ticker } from '../../../../lib/swarm/engine/ticker.ts'

function ticking() {
  const clock = fakeClock()
  const ticks: { readonly atMs: number; readonly lateMs: number }[] = []
  const onTick = (atMs: number, lateMs: number) => {
    ticks.push({ atMs, lateMs })
    it.start()
  }
  const it = ticker(clock, { intervalMs: 100, onTick })
  it.start()
  return { clock, ticks, it }
}

test('ticks in time, and then nothing was late', async () => {
  const { clock, ticks, it } = ticking()
  it.start()
  await clock.advance(250)
  expect(ticks).toEqual([100, 200].map((atMs) => ({ atMs, lateMs: 0 })))
  it.stop()
  await clock.advance(500)
  expect([ticks.length, clock.pending]).toEqual([2, 0])
})

test('says how late the process itself was, once what came meanwhile could be read', async () => {
  const { clock, ticks } = ticking()
  clock.stall(700)
  await clock.advance(5)
  expect(ticks).toEqual([])
  await clock.advance(10)
  expect(ticks).toEqual([{ atMs: 710, lateMs: 610 }])
  await clock.advance(200)
  expect(ticks.slice(1).map(({ lateMs }) => lateMs)).toEqual([0, 0])
})
