import { describe, expect, test } from '@jest/globals'
import { fakeClock, systemClock } from '../../../lib/base/index.ts'

describe('fakeClock', () => {
  test('fires timers in the order of their times, with the time standing at each', async () => {
    const clock = fakeClock(0)
    const fired: [string, number][] = []
    clock.setTimer(20, () => fired.push(['b', clock.now()]))
    clock.setTimer(10, () => fired.push(['a', clock.now()]))
    clock.setTimer(30, () => fired.push(['c', clock.now()]))
    await clock.advance(25)
    expect(fired).toEqual([
      ['a', 10],
      ['b', 20],
    ])
    expect([clock.now(), clock.monotonicMs(), clock.pending]).toEqual([25, 25, 1])
  })

  test('lets work that a timer wakes set its next timer within the same advance', async () => {
    const clock = fakeClock(0)
    const ticks: number[] = []
    const loop = async () => {
      for (let i = 0; i < 3; i += 1) {
        await clock.sleep(10)
        ticks.push(clock.now())
      }
    }
    const looping = loop()
    await clock.advance(30)
    await looping
    expect(ticks).toEqual([10, 20, 30])
  })

  test('forgets a cancelled timer', async () => {
    const clock = fakeClock()
    const timer = clock.setTimer(10, () => {
      throw new Error('fired')
    })
    timer.cancel()
    timer.cancel()
    await clock.advance(20)
    expect(clock.pending).toBe(0)
  })

  test('an aborted sleep leaves no timer', async () => {
    const clock = fakeClock()
    const controller = new AbortController()
    const sleeping = clock.sleep(10, controller)
    controller.abort()
    await expect(sleeping).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(clock.sleep(10, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(clock.pending).toBe(0)
  })
})

describe('systemClock', () => {
  test('moves forward and fires', async () => {
    const clock = systemClock()
    const before = clock.monotonicMs()
    await clock.sleep(1)
    expect(clock.monotonicMs()).toBeGreaterThan(before)
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
  })

  test('a cancelled timer does not fire', async () => {
    const clock = systemClock()
    let fired = false
    clock.setTimer(0, () => (fired = true), { background: true }).cancel()
    await clock.sleep(2)
    expect(fired).toBe(false)
  })
})
