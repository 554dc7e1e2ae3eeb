import { describe, expect, test } from '@jest/globals'
import { swarmLimits } from '../../../../lib/swarm/index.ts'
import { pipelineBlocks, rateMeter, requestTimeoutMs } from '../../../../lib/swarm/picker/index.ts'

const blockLength = 256 * 1024

describe('how many blocks are asked of a peer at once', () => {
  test.each([
    { what: 'the first number while its rate is unknown', bytesPerSecond: undefined, is: 4 },
    { what: 'what covers a tenth of a second', bytesPerSecond: 25_000_000, is: 10 },
    { what: 'of a far one what is on its way, too', bytesPerSecond: 25_000_000, tripMs: 150, is: 24 },
    { what: 'of a slow one the one that it gives and the next', bytesPerSecond: 500_000, tripMs: 100, is: 2 },
    { what: 'of a very slow one what it can give in time', bytesPerSecond: 120_000, tripMs: 2_500, is: 1 },
    { what: 'at least one', bytesPerSecond: 1_000, tripMs: 2_500, is: 1 },
    { what: 'no more than the maximum', bytesPerSecond: 10_000_000_000, is: 32 },
    { what: 'one after a timeout', bytesPerSecond: 25_000_000, misses: 1, is: 1 },
    { what: 'no more messages than it takes', bytesPerSecond: 10_000_000_000, parts: 16, is: 4 },
    { what: 'no more messages than it takes, from the first on', bytesPerSecond: undefined, parts: 32, is: 2 },
  ])('$what', ({ bytesPerSecond, tripMs, parts = 1, misses = 0, is }) => {
    expect(pipelineBlocks({ bytesPerSecond, tripMs, parts, misses, blockLength }, swarmLimits)).toBe(is)
  })

  test.each([
    { tripMs: 200, bytesPerSecond: 20_000_000 },
    { tripMs: 20, bytesPerSecond: 60_000_000 },
    { tripMs: 0.5, bytesPerSecond: 5_000_000 },
  ])('grow until the peer itself is the limit: $tripMs ms away, at $bytesPerSecond bytes per second', (peer) => {
    let blocks: number = swarmLimits.minPipelineBlocks
    let seen = 0
    for (let round = 0; round < 40; round += 1) {
      // What a peer gives is bound by its rate, and by one pipeline for each trip.
      seen = Math.min(peer.bytesPerSecond, (blocks * blockLength * 1000) / peer.tripMs)
      const pace = { bytesPerSecond: seen, tripMs: peer.tripMs, parts: 1, misses: 0, blockLength }
      blocks = pipelineBlocks(pace, swarmLimits)
    }
    expect(seen).toBe(peer.bytesPerSecond)
    const queuedMs = (blocks * blockLength * 1000) / peer.bytesPerSecond - peer.tripMs
    expect(queuedMs).toBeLessThanOrEqual(100 + (blockLength * 1000) / peer.bytesPerSecond)
  })
})

describe('when a block counts as lost', () => {
  test.each([
    { when: 'after five seconds while the rate is unknown', bytesPerSecond: undefined, is: 5_000 },
    { when: 'after four times the expected time', bytesPerSecond: 1_000_000, is: 1_048.576 },
    { when: 'later when more was asked', bytesPerSecond: 1_000_000, ahead: blockLength, is: 2_097.152 },
    { when: 'after four trips to one that is far away', bytesPerSecond: 10_000_000, tripMs: 400, is: 1_600 },
    { when: 'never before half a second', bytesPerSecond: 1_000_000_000, is: 500 },
    { when: 'twice as late after each miss', bytesPerSecond: 1_000_000_000, misses: 2, is: 2_000 },
    { when: 'never after more than ten seconds', bytesPerSecond: 10, is: 10_000 },
  ])('$when', ({ bytesPerSecond, tripMs, ahead = 0, misses = 0, is }) => {
    expect(requestTimeoutMs({ bytesPerSecond, tripMs, parts: 1, misses, blockLength }, ahead, swarmLimits)).toBe(is)
  })
})

describe('the rate of a peer', () => {
  test('is unknown until a sample is long enough', () => {
    const meter = rateMeter()
    meter.begin(0)
    meter.add(1_000_000, 10)
    expect(meter.bytesPerSecond).toBeUndefined()
    meter.add(1_000_000, 100)
    expect(meter.bytesPerSecond).toBe(20_000_000)
  })

  test('follows changes step by step', () => {
    const meter = rateMeter()
    meter.begin(0)
    meter.add(1_000_000, 100)
    meter.add(2_000_000, 200)
    expect(meter.bytesPerSecond).toBe(13_000_000)
  })

  test('does not count the time in which nothing was asked', () => {
    const meter = rateMeter()
    meter.begin(0)
    meter.add(1_000_000, 100)
    meter.begin(60_000)
    meter.add(1_000_000, 60_100)
    expect(meter.bytesPerSecond).toBe(10_000_000)
  })
})
