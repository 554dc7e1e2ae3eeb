import { describe, expect, test } from '@jest/globals'
import { fairBucket, fakeClock } from '../../../../../lib/base/index.ts'
import { uploadLane } from '../../../../../lib/swarm/torrent/serve/upload-lane.ts'

const bucket = fairBucket(fakeClock(), { ratePerSecond: undefined, burst: 1 })

describe('the queue of blocks on their way out', () => {
  test('takes blocks up to its bytes, and more once one has left', () => {
    const lane = uploadLane(bucket, 1000)
    expect([600, 401, 400, 126].map((bytes) => lane.tryQueue(bytes, 'normal'))).toEqual([true, false, true, false])
    expect(lane.queuedBytes).toBe(1000)
    lane.leave(600, 'normal')
    expect(lane.tryQueue(600, 'normal')).toBe(true)
  })

  test.each([
    ['high', 'low'],
    ['low', 'high'],
    ['normal', 'low'],
  ] as const)('that is full of blocks of class %s has room for some of class %s', (full, other) => {
    const lane = uploadLane(bucket, 1000)
    expect([1000, 1].map((bytes) => lane.tryQueue(bytes, full))).toEqual([true, false])
    expect([125, 1].map((bytes) => lane.tryQueue(bytes, other))).toEqual([true, false])
  })
})
