import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock } from '../../../../lib/base/index.ts'
import { recordingLogger, recordingMetrics } from '../../../../lib/telemetry/index.ts'
import type { Reply } from '../../../../services/tracker/peer-store/redis-connection.ts'
import type { Call } from '../../../../services/tracker/peer-store/scripts.ts'
import { storeMeters } from '../../../../services/tracker/peer-store/store-meters.ts'
import { storeState } from '../../../../services/tracker/peer-store/store-state.ts'
import { MAX_WAITING, writeBehind } from '../../../../services/tracker/peer-store/write-behind.ts'

/** A queue before a redis that notes what it gets. */
function lab() {
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const logger = recordingLogger()
  const meters = storeMeters(metrics)
  const state = storeState({ logger, meters })
  const redis = { isUp: true, batches: [] as (readonly Call[])[], reply: (_call: Call): Reply => ({ value: 0 }) }
  const rooms: number[] = []
  const link = {
    get isUp() {
      return redis.isUp
    },
    async run(calls: readonly Call[]) {
      if (!redis.isUp) throw appError('UNAVAILABLE')
      redis.batches.push(calls)
      return calls.map((call) => redis.reply(call))
    },
  }
  const queue = writeBehind({ clock, link, state, meters, onRoom: () => rooms.push(clock.monotonicMs()) })
  const writes = (outcome: string) => metrics.value('shoal_tracker_store_writes_total', { outcome })
  return { clock, queue, redis, state, logger, rooms, writes }
}

describe('writes that wait', () => {
  test('go together, the newest of each key', async () => {
    const { clock, queue, redis, writes } = lab()
    queue.put('a', () => ['old'])
    queue.put('b', () => ['b'])
    queue.put('a', () => ['new'])
    expect(redis.batches).toEqual([])
    await clock.advance(20)
    expect(redis.batches).toEqual([[['b'], ['new']]])
    expect([queue.size, writes('written')]).toEqual([0, 2])
  })

  test('are left out when they have no sense any more', async () => {
    const { clock, queue, redis } = lab()
    queue.put('late', (nowMs) => (nowMs >= 20 ? undefined : ['late']))
    queue.put('still', () => ['still'])
    await clock.advance(20)
    expect(redis.batches).toEqual([[['still']]])
  })

  test('go in batches, so that nobody waits for all of them', async () => {
    const { clock, queue, redis } = lab()
    for (let at = 0; at < 1200; at += 1) queue.put(`${at}`, () => [`${at}`])
    for (let pauses = 0; pauses < 3; pauses += 1) await clock.advance(20)
    expect(redis.batches.map(({ length }) => length)).toEqual([500, 500, 200])
  })

  test('are bounded while redis is away: the oldest make room, and are counted', async () => {
    const { clock, queue, redis, writes } = lab()
    redis.isUp = false
    for (let at = 0; at < MAX_WAITING + 3; at += 1) queue.put(`${at}`, () => [`${at}`])
    expect([queue.size, writes('dropped')]).toEqual([MAX_WAITING, 3])
    redis.isUp = true
    queue.wake()
    await clock.advance(20)
    expect(redis.batches[0]?.[0]).toEqual(['3'])
  })

  test('come again when the connection is lost under way, unless there is something newer', async () => {
    const { clock, queue, redis } = lab()
    queue.put('a', () => ['old'])
    queue.put('b', () => ['b'])
    redis.reply = () => {
      redis.isUp = false
      queue.put('a', () => ['new'])
      throw appError('UNAVAILABLE')
    }
    await clock.advance(20)
    Object.assign(redis, { isUp: true, batches: [], reply: () => ({ value: 0 }) })
    queue.wake()
    await clock.advance(20)
    expect(redis.batches.flat().toSorted()).toEqual([['b'], ['new']])
  })

  test('that redis refuses are counted and told once; when it takes some again, all is written anew', async () => {
    const { clock, queue, redis, state, logger, rooms, writes } = lab()
    state.change('up')
    redis.reply = () => ({ refused: 'OOM' })
    for (const key of ['a', 'b', 'c']) {
      queue.put(key, () => [key])
      await clock.advance(20)
    }
    expect([writes('refused'), writes('written'), state.trouble]).toEqual([3, 0, expect.stringContaining('(OOM)')])
    redis.reply = () => ({ value: 0 })
    queue.put('d', () => ['d'])
    await clock.advance(20)
    expect([state.trouble, rooms]).toEqual([undefined, [80]])
    expect(logger.lines.map(({ level }) => level)).toEqual(['info', 'warn', 'info'])
  })

  test('are sent before a stop', async () => {
    const { queue, redis } = lab()
    for (let at = 0; at < 600; at += 1) queue.put(`${at}`, () => [`${at}`])
    await queue.stop()
    expect(redis.batches.flat()).toHaveLength(600)
  })
})
