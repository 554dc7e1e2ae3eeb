import { describe, expect, test } from '@jest/globals'
import { swarmLimits } from '../../../../lib/swarm/index.ts'
import { pipelineBlocks, rateMeter, requestTimeoutMs } from '../../../../lib/swarm/picker/index.ts'

const blockLength = 256 * 1024

describe('how many blocks are asked of a peer at once', () => {
  test.each([
    ['the minimum while its rate is unknown', undefined, 0, 4],
    ['what covers a tenth of a second', 25_000_000, 0, 10],
    ['no fewer than the minimum', 1_000_000, 0, 4],
    ['of a slow one what it can give in time', 250_000, 0, 2],
    ['at least one', 1_000, 0, 1],
    ['no more than the maximum', 10_000_000_000, 0, 32],
    ['one after a timeout', 25_000_000, 1, 1],
  ])('%s', (_name, bytesPerSecond, misses, expected) => {
    expect(pipelineBlocks({ bytesPerSecond, misses, blockLength }, swarmLimits)).toBe(expected)
  })
})

describe('when a block counts as lost', () => {
  test.each([
    { when: 'after five seconds while the rate is unknown', bytesPerSecond: undefined, ahead: 0, misses: 0, is: 5_000 },
    { when: 'after four times the expected time', bytesPerSecond: 1_000_000, ahead: 0, misses: 0, is: 1_048.576 },
    { when: 'later when more was asked', bytesPerSecond: 1_000_000, ahead: blockLength, misses: 0, is: 2_097.152 },
    { when: 'never before half a second', bytesPerSecond: 1_000_000_000, ahead: 0, misses: 0, is: 500 },
    { when: 'twice as late after each miss', bytesPerSecond: 1_000_000_000, ahead: 0, misses: 2, is: 2_000 },
    { when: 'never after more than ten seconds', bytesPerSecond: 10, ahead: 0, misses: 0, is: 10_000 },
  ])('$when', ({ bytesPerSecond, ahead, misses, is }) => {
    expect(requestTimeoutMs({ bytesPerSecond, misses, blockLength }, ahead, swarmLimits)).toBe(is)
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
