import { describe, expect, test } from '@jest/globals'
import { fairBucket, fakeClock } from '../../../../../lib/base/index.ts'
import { uploadLane } from '../../../../../lib/swarm/torrent/serve/upload-lane.ts'

const bucket = fairBucket(fakeClock(), { ratePerSecond: undefined, burst: 1 })

describe('the queue of blocks on their way out', () => {
  test('takes blocks up to its bytes, and more once one has left', () => {
    const lane = uploadLane(bucket, 1000)
    expect([lane.tryQueue(600), lane.tryQueue(401), lane.tryQueue(400), lane.tryQueue(1)]).toEqual([
      true,
      false,
      true,
      false,
    ])
    expect(lane.queuedBytes).toBe(1000)
    lane.leave(600)
    expect(lane.tryQueue(600)).toBe(true)
  })
})
