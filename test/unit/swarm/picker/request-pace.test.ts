import { describe, expect, test } from '@jest/globals'
import { swarmLimits } from '../../../../lib/swarm/index.ts'
import { pipelineBlocks, rateMeter, requestTimeoutMs } from '../../../../lib/swarm/picker/index.ts'

const blockLength = 256 * 1024

describe('how many blocks are asked of a peer at once', () => {
  test.each([
    ['the minimum while its rate is unknown', undefined, 0, 4],
    ['what covers a tenth of a second', 25_000_000, 0, 10],
    ['no fewer than the minimum', 1_000, 0, 4],
    ['no more than the maximum', 10_000_000_000, 0, 32],
    ['one after a timeout', 25_000_000, 1, 1],
  ])('%s', (_name, bytesPerSecond, misses, expected) => {
    expect(pipelineBlocks({ bytesPerSecond, misses, blockLength }, swarmLimits)).toBe(expected)
  })
})

describe('when a block counts as lost', () => {
  test.each([
    ['after five seconds while the rate is unknown', undefined, 0, 0, 5_000],
    ['after four times the expected time', 1_000_000, 0, 0, 1_048.576],
    ['later when more was asked before it', 1_000_000, blockLength, 0, 2_097.152],
    ['never before half a second', 1_000_000_000, 0, 0, 500],
    ['twice as late after each miss', 1_000_000_000, 0, 2, 2_000],
    ['never after more than half a minute', 10, 0, 0, 30_000],
  ])('%s', (_name, bytesPerSecond, aheadBytes, misses, expected) => {
    expect(requestTimeoutMs({ bytesPerSecond, misses, blockLength }, aheadBytes, swarmLimits)).toBe(expected)
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
