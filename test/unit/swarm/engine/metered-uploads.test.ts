import { expect, test } from '@jest/globals'
import { fairBucket, fakeClock } from '../../../../lib/base/index.ts'
import { meteredUploads } from '../../../../lib/swarm/engine/metered-uploads.ts'

const RATE = 1_000_000

test('the spare upload is the limit less what is sent, and all of it again after a silence', async () => {
  const clock = fakeClock()
  const uploads = meteredUploads(clock, fairBucket(clock, { ratePerSecond: RATE }), RATE)
  expect(uploads.spareBytesPerSecond).toBe(RATE)
  const flow = uploads.flow()
  for (let i = 0; i < 100; i += 1) {
    await flow.take(40_000)
    await clock.advance(100)
  }
  const spare = uploads.spareBytesPerSecond ?? 0
  expect(spare).toBeGreaterThan(0.55 * RATE)
  expect(spare).toBeLessThan(0.65 * RATE)
  await clock.advance(2_001)
  expect(uploads.spareBytesPerSecond).toBe(RATE)
})

test('without a limit nothing is said', async () => {
  const clock = fakeClock()
  const uploads = meteredUploads(clock, fairBucket(clock, { ratePerSecond: undefined, burst: 1 }), undefined)
  await uploads.flow().take(1e9)
  expect([uploads.spareBytesPerSecond, uploads.available]).toEqual([undefined, Number.POSITIVE_INFINITY])
})
