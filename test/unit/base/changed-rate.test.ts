import { describe, expect, test } from '@jest/globals'
import { fairBucket, fakeClock } from '../../../lib/base/index.ts'

/** Empty, at 100 tokens per second; what is served is noted with its time. */
async function emptied() {
  const clock = fakeClock()
  const bucket = fairBucket(clock, { ratePerSecond: 100, burst: 100, turn: 10 })
  const flow = bucket.flow()
  await flow.take(100)
  const startMs = clock.now()
  const served: number[] = []
  const take = (tokens: number) => void flow.take(tokens).then(() => served.push(clock.now() - startMs))
  return { clock, bucket, served, take }
}

describe('the rate of a bucket that changes', () => {
  test('holds for those who wait already', async () => {
    const { clock, bucket, served, take } = await emptied()
    take(100)
    await clock.advance(500)
    bucket.setRate(1_000, { burst: 100 })
    await clock.advance(49)
    expect(served).toEqual([])
    await clock.advance(1)
    expect(served).toEqual([550])
  })

  test('lets all who wait through when there is none any more', async () => {
    const { clock, bucket, served, take } = await emptied()
    take(1_000_000)
    take(1_000_000)
    bucket.setRate(undefined)
    await clock.advance(0)
    expect([served, bucket.available]).toEqual([[0, 0], Number.POSITIVE_INFINITY])
  })

  test('counts from a full burst on when there was none before', async () => {
    const clock = fakeClock()
    const bucket = fairBucket(clock, { ratePerSecond: undefined })
    const flow = bucket.flow()
    await flow.take(1_000_000)
    bucket.setRate(100, { burst: 50 })
    expect(bucket.available).toBe(50)
    const served: string[] = []
    await flow.take(50)
    void flow.take(50).then(() => served.push('later'))
    await clock.advance(499)
    expect(served).toEqual([])
    await clock.advance(1)
    expect(served).toEqual(['later'])
  })

  test('gives no more than it saves up after a lower burst', async () => {
    const clock = fakeClock()
    const bucket = fairBucket(clock, { ratePerSecond: 100, burst: 100 })
    bucket.setRate(10, { burst: 10 })
    expect(bucket.available).toBe(10)
  })
})
