import { describe, expect, test } from '@jest/globals'
import { appError, type Deferred, deferred, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { recordingLogger, recordingMetrics } from '../../../../lib/telemetry/index.ts'
import type { RedisConnection } from '../../../../services/tracker/peer-store/redis-connection.ts'
import { redisLink } from '../../../../services/tracker/peer-store/redis-link.ts'
import { storeMeters } from '../../../../services/tracker/peer-store/store-meters.ts'
import { storeState } from '../../../../services/tracker/peer-store/store-state.ts'

function lab() {
  const clock = fakeClock()
  const logger = recordingLogger()
  const metrics = recordingMetrics()
  const state = storeState({ logger, meters: storeMeters(metrics) })
  const redis = { isThere: true, tries: [] as number[], ends: [] as Deferred<unknown>[], ups: 0 }
  const connect = async (): Promise<RedisConnection> => {
    redis.tries.push(clock.monotonicMs())
    if (!redis.isThere) throw appError('UNAVAILABLE', { message: 'ECONNREFUSED' })
    const end = deferred<unknown>()
    redis.ends.push(end)
    return { run: async () => [], close: () => end.resolve(undefined), ended: end.promise }
  }
  const onUp = () => {
    redis.ups += 1
  }
  const link = redisLink({ clock, random: seededRandom(1), state, connect, onUp })
  return { clock, logger, metrics, state, redis, link }
}

describe('the link to redis', () => {
  test('is up after the start, and after a loss up again', async () => {
    const { clock, redis, link, state } = lab()
    await link.start()
    expect([link.isUp, redis.ups, state.trouble]).toEqual([true, 1, undefined])
    redis.ends[0]?.resolve(appError('UNAVAILABLE', { message: 'ECONNRESET' }))
    await clock.advance(0)
    expect([link.isUp, state.trouble]).toEqual([false, 'redis is away; peers are in memory only (ECONNRESET)'])
    await expect(link.run([])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await clock.advance(500)
    expect([link.isUp, redis.ups]).toEqual([true, 2])
    await link.stop()
  })

  test('does not fail the start when redis is away, tries with back-off, and logs one line per change', async () => {
    const { clock, logger, metrics, redis, link } = lab()
    redis.isThere = false
    await link.start()
    for (let seconds = 0; seconds < 100; seconds += 1) await clock.advance(1000)
    const tries = redis.tries.length
    expect(tries).toBeGreaterThan(10)
    expect(tries).toBeLessThan(40)
    redis.isThere = true
    for (let seconds = 0; seconds < 10; seconds += 1) await clock.advance(1000)
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'info'])
    expect([link.isUp, metrics.value('shoal_tracker_store_up')]).toEqual([true, 1])
    await link.stop()
  })

  test('ends with its connection at a stop', async () => {
    const { link, redis } = lab()
    await link.start()
    await link.stop()
    await expect(redis.ends[0]?.promise).resolves.toBeUndefined()
    expect(redis.tries).toHaveLength(1)
  })
})
