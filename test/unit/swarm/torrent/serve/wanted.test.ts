import { describe, expect, test } from '@jest/globals'
import { fakeClock, wheel } from '../../../../../lib/base/index.ts'
import type { ByteRange } from '../../../../../lib/core/index.ts'
import { Wanted } from '../../../../../lib/swarm/torrent/serve/wanted.ts'

const limits = { wantMs: 1_000, wantMergeMs: 20 }
const range = (start: number, end: number): ByteRange => ({ start, end })

function scene() {
  const clock = fakeClock()
  const told: string[] = []
  const wanted = new Wanted({ wheel: wheel(clock), limits }, (ranges, priority) => {
    told.push(`${priority} ${ranges.map(({ start, end }) => `${start}-${end}`).join(' ')}`)
  })
  return { clock, told, wanted }
}

describe('what peers want of an arriving blob', () => {
  test('is told at once, and then together with what comes soon', async () => {
    const { clock, told, wanted } = scene()
    wanted.say('a', { priority: 'onDemand', ranges: [range(0, 10)] })
    await clock.advance(1)
    expect(told).toEqual(['onDemand 0-10'])
    wanted.say('b', { priority: 'onDemand', ranges: [range(5, 20), range(30, 40)] })
    wanted.say('b', { priority: 'fill', ranges: [range(90, 99)] })
    wanted.say('c', { priority: 'onDemand', ranges: [range(20, 30)] })
    await clock.advance(10)
    expect(told).toHaveLength(1)
    await clock.advance(15)
    expect(told.slice(1)).toEqual(['onDemand 0-40', 'fill 90-99'])
  })

  test('is not told again when it is the same', async () => {
    const { clock, told, wanted } = scene()
    for (const peer of ['a', 'a', 'b']) {
      wanted.say(peer, { priority: 'prefetch', ranges: [range(0, 10)] })
      await clock.advance(50)
    }
    expect(told).toEqual(['prefetch 0-10'])
  })

  test('is wanted no more when each has gone, has said so, or has said nothing for too long', async () => {
    const { clock, told, wanted } = scene()
    wanted.say('a', { priority: 'onDemand', ranges: [range(0, 10)] })
    wanted.say('b', { priority: 'onDemand', ranges: [range(20, 30)] })
    wanted.say('c', { priority: 'onDemand', ranges: [range(40, 50)] })
    await clock.advance(50)
    wanted.left('a')
    await clock.advance(50)
    wanted.say('b', { priority: 'onDemand', ranges: [] })
    await clock.advance(50)
    expect(told.slice(1)).toEqual(['onDemand 20-30 40-50', 'onDemand 40-50'])
    await clock.advance(limits.wantMs)
    expect(told.at(-1)).toBe('onDemand ')
    expect(clock.pending).toBe(0)
  })
})
