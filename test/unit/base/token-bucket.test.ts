import { describe, expect, test } from '@jest/globals'
import { fakeClock, tokenBucket } from '../../../lib/base/index.ts'

describe('tokenBucket', () => {
  test('lets the burst through at once and the rest at the rate', async () => {
    const clock = fakeClock()
    const bucket = tokenBucket(clock, { ratePerSecond: 100, burst: 50 })
    const served: number[] = []
    const startMs = clock.now()
    const take = (tokens: number) => bucket.take(tokens).then(() => served.push(clock.now() - startMs))
    const all = [take(50), take(10), take(40)]
    await clock.advance(2000)
    await Promise.all(all)
    expect(served).toEqual([0, 100, 500])
  })

  test('lets more than the burst through by going into debt', async () => {
    const clock = fakeClock()
    const bucket = tokenBucket(clock, { ratePerSecond: 100, burst: 50 })
    await bucket.take(200)
    expect(bucket.available).toBe(0)
    const next = bucket.take(50)
    let done = false
    void next.then(() => (done = true))
    await clock.advance(1990)
    expect(done).toBe(false)
    await clock.advance(20)
    await next
  })

  test('serves in order: a small request does not overtake a large one', async () => {
    const clock = fakeClock()
    const bucket = tokenBucket(clock, { ratePerSecond: 100, burst: 100 })
    await bucket.take(100)
    const order: string[] = []
    const all = [bucket.take(90).then(() => order.push('large')), bucket.take(1).then(() => order.push('small'))]
    await clock.advance(5000)
    await Promise.all(all)
    expect(order).toEqual(['large', 'small'])
  })

  test('an aborted caller takes nothing and the queue goes on', async () => {
    const clock = fakeClock()
    const bucket = tokenBucket(clock, { ratePerSecond: 100, burst: 100 })
    await bucket.take(100)
    const controller = new AbortController()
    const left = bucket.take(100, controller)
    const stays = bucket.take(10)
    await clock.advance(1)
    controller.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(110)
    await stays
    expect(clock.pending).toBe(0)
  })

  test('an aborted caller leaves at once, though another waits before it, and takes nothing when its turn comes', async () => {
    const clock = fakeClock()
    const bucket = tokenBucket(clock, { ratePerSecond: 100, burst: 100 })
    await bucket.take(100)
    const controller = new AbortController()
    const first = bucket.take(10)
    const left = bucket.take(0.5, controller)
    controller.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(1_000)
    await first
    expect(bucket.available).toBe(90)
  })

  test('never holds more than the burst, however long the pause', async () => {
    const clock = fakeClock()
    const bucket = tokenBucket(clock, { ratePerSecond: 100, burst: 30 })
    await clock.advance(60_000)
    expect(bucket.available).toBe(30)
  })

  test('without a rate nothing waits', async () => {
    const bucket = tokenBucket(fakeClock(), { ratePerSecond: undefined })
    await bucket.take(1e12)
    expect(bucket.available).toBe(Number.POSITIVE_INFINITY)
  })
})
