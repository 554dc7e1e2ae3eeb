import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { requestRate } from '../../../lib/http/index.ts'
import { limitsTogether, memoryStore } from '../../../lib/store/index.ts'
import { leveledLogger, recordingLogger, silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { fillPace } from '../../../services/origin/bring/fill-pace.ts'

describe('parts that change while a service runs', () => {
  test('a logger, with its children, writes what is at least as severe as its level', () => {
    const inner = recordingLogger()
    const logger = leveledLogger(inner, 'warn')
    const child = logger.child({ of: 'child' })
    const all = () => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) child[level](level)
    }
    all()
    logger.setLevel('debug')
    all()
    logger.setLevel('silent')
    all()
    expect(inner.lines.map(({ message }) => message)).toEqual(['warn', 'error', 'debug', 'info', 'warn', 'error'])
  })

  test('a limit of requests holds from now on, or no more', () => {
    const rate = requestRate({ clock: fakeClock(), metrics: silentMetrics() }, { ...limit, perSecond: undefined })
    const ask = (times: number) => {
      for (let i = 0; i < times; i += 1) rate.count({ socket: { remoteAddress: '10.0.0.1' } })
    }
    ask(100)
    rate.setRate(1)
    expect(() => ask(21)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
    rate.setRate(undefined)
    ask(100)
  })

  test('a store that may hold less evicts with the next write, and refuses what makes no sense', async () => {
    const store = memoryStore(
      { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
      { capacityBytes: 10_000, minFreeBytes: 0 },
    )
    await store.start()
    await fill(store, 8)
    expect(() => store.setLimits({ capacityBytes: 0, minFreeBytes: 0 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    expect(store.usedBytes).toBe(8_000)
    store.setLimits({ capacityBytes: 4_000, minFreeBytes: 0 })
    await fill(store, 9)
    expect(store.usedBytes).toBeLessThanOrEqual(4_000)
    await store.stop()
  })

  test('a store takes other watermarks together with what it has, and refuses those that make no sense', async () => {
    const store = memoryStore(
      { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
      { capacityBytes: 10_000, minFreeBytes: 0 },
    )
    await store.start()
    await fill(store, 5)
    const together = limitsTogether(store)
    together.note({ highWatermark: 0.5 })
    expect(() => together.settle()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    await fill(store, 6)
    expect(store.usedBytes).toBe(6_000)
    together.note({ highWatermark: 0.5 })
    together.note({ lowWatermark: 0.2 })
    together.settle()
    await fill(store, 7)
    expect(store.usedBytes).toBeLessThanOrEqual(3_000)
    await store.stop()
  })

  test('uploads that nobody uses go after the time that holds now', async () => {
    const clock = fakeClock()
    const store = memoryStore(
      { clock, random: seededRandom(1), logger: silentLogger() },
      { capacityBytes: 10_000, minFreeBytes: 0, uploadIdleMs: 3_600_000 },
    )
    await store.start()
    await store.createUpload()
    await clock.advance(60_000)
    expect(store.openUploads().length).toBe(1)
    store.setLimits({ uploadIdleMs: 5_000 })
    await clock.advance(5_000)
    expect(store.openUploads()).toEqual([])
    await store.stop()
  })

  test('a fill that was off goes on for those who wait, at its new rate', async () => {
    const clock = fakeClock()
    const pace = fillPace(clock, { bytesPerSecond: 0, onFilled: () => undefined })
    const done: string[] = []
    void pace.take(100, { signal: new AbortController().signal }).then(() => done.push('taken'))
    await clock.advance(10_000)
    expect([done, pace.fills, pace.isLimited]).toEqual([[], false, true])
    pace.setRate(undefined)
    await clock.advance(0)
    expect([done, pace.fills, pace.isLimited]).toEqual([['taken'], true, false])
  })
})

/** Blobs of 1,000 bytes, of which the last one is new. */
async function fill(store: ReturnType<typeof memoryStore>, count: number): Promise<void> {
  for (let byte = 0; byte < count; byte += 1) {
    const bytes = Buffer.alloc(1_000, byte)
    if (byte < count - 1 && (await store.stat(digestOf(bytes))) !== undefined) continue
    const upload = await store.createUpload()
    await upload.append(Readable.from([bytes]), { offset: 0 })
    await upload.commit(digestOf(bytes))
  }
}

const limit = { listener: 'registry', code: 'UNAVAILABLE' } as const
