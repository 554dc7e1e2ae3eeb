import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { backendLimitsSchema, type Governor, governor } from '../../../lib/backend/index.ts'
import { appError, deferred, type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type RecordingMetrics, recordingMetrics } from '../../../lib/telemetry/index.ts'
import { listenersOf } from '../../kit/listeners.ts'

interface Lab {
  readonly clock: FakeClock
  readonly metrics: RecordingMetrics
  readonly paced: Governor
}

function lab(limits: Record<string, unknown> = {}): Lab {
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const paced = governor({ clock, metrics, random: seededRandom(1) }, backendLimitsSchema.parse(limits))
  return { clock, metrics, paced }
}

const unavailable = () => Promise.reject(appError('BACKEND_UNAVAILABLE'))
const throttled = (retryAfterMs?: number) =>
  appError('BACKEND_THROTTLED', retryAfterMs === undefined ? {} : { detail: { retryAfterMs } })
const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
/** The value or the error of `work` after `ms` milliseconds of the clock. */
async function outcomeOf(clock: FakeClock, work: Promise<unknown>, ms = 10 * 60_000): Promise<unknown> {
  const settled = work.then(
    (value) => value,
    (err: unknown) => err,
  )
  await clock.advance(ms)
  return settled
}

describe('a failed request', () => {
  test('is tried again as often as it may be, then its last failure is thrown', async () => {
    const { clock, metrics, paced } = lab({ attempts: 4 })
    let tries = 0
    const work = () => {
      tries += 1
      return unavailable()
    }
    expect(await outcomeOf(clock, paced.request('stat', work))).toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    expect(tries).toBe(4)
    const counted = (outcome: string) => metrics.value('shoal_backend_retries_total', { op: 'stat', outcome })
    expect([counted('tried'), counted('attempts_used')]).toEqual([3, 1])
    expect(clock.pending).toBe(0)
  })

  test('waits a random time that may double with every attempt', async () => {
    const { clock, paced } = lab({ attempts: 6 })
    const sent: number[] = []
    const work = () => {
      sent.push(clock.monotonicMs())
      return unavailable()
    }
    await outcomeOf(clock, paced.request('stat', work))
    const waits = sent.slice(1).map((at, index) => at - (sent[index] ?? 0))
    expect(waits).toHaveLength(5)
    for (const [index, wait] of waits.entries()) expect(wait).toBeLessThanOrEqual(200 * 2 ** index)
    expect(Math.max(...waits)).toBeGreaterThan(200)
  })

  test('that says yes the second time is a success', async () => {
    const { clock, paced } = lab()
    let tries = 0
    const work = () => {
      tries += 1
      return tries === 1 ? unavailable() : Promise.resolve('yes')
    }
    expect(await outcomeOf(clock, paced.request('stat', work))).toBe('yes')
  })

  test.each(['BACKEND_DENIED', 'BACKEND_PRECONDITION_FAILED', 'BACKEND_READ_ONLY', 'ABORTED'] as const)(
    'with %s is not tried again',
    async (code) => {
      const { clock, paced } = lab()
      let tries = 0
      const work = () => {
        tries += 1
        return Promise.reject(appError(code))
      }
      expect(await outcomeOf(clock, paced.request('stat', work))).toMatchObject({ code })
      expect(tries).toBe(1)
    },
  )

  test('in an outage adds a share to the load, not a multiple of it', async () => {
    const { clock, metrics, paced } = lab({ attempts: 10 })
    let sent = 0
    const work = () => {
      sent += 1
      return unavailable()
    }
    const all = Array.from({ length: 1_000 }, () => paced.request('read', work).catch(() => undefined))
    await clock.advance(10 * 60_000)
    await Promise.all(all)
    expect(sent).toBeGreaterThan(1_015)
    expect(sent).toBeLessThan(1_300)
    expect(metrics.value('shoal_backend_retries_total', { op: 'read', outcome: 'budget_used' })).toBeGreaterThan(900)
  })

  test('of a caller that gives up in a pause is not tried again', async () => {
    const { clock, paced } = lab()
    const controller = new AbortController()
    const { signal } = controller
    let tries = 0
    const work = () => {
      tries += 1
      return unavailable()
    }
    const asked = paced.request('stat', work, { signal })
    await clock.advance(0)
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    expect([tries, clock.pending, listenersOf(signal)]).toEqual([1, 0, 0])
  })
})

describe('a backend that asks to slow down', () => {
  test('is left in peace by all requests, for the time that it names', async () => {
    const { clock, metrics, paced } = lab()
    const sent: number[] = []
    const work = () => {
      sent.push(clock.monotonicMs())
      return sent.length === 1 ? Promise.reject(throttled(7_000)) : Promise.resolve()
    }
    const first = paced.request('read', work)
    await clock.advance(0)
    const others = [paced.request('write', work), paced.request('list', work)]
    await clock.advance(6_999)
    expect(sent).toEqual([0])
    await clock.advance(3_000)
    await Promise.all([first, ...others])
    expect(new Set(sent).size).toBe(4)
    expect(metrics.value('shoal_backend_throttled_total', { op: 'read' })).toBe(1)
  })

  test('again and again without naming a time is asked ever more rarely', async () => {
    const { clock, paced } = lab({ attempts: 7, wait: '10m' })
    const sent: number[] = []
    const work = () => {
      sent.push(clock.monotonicMs())
      return Promise.reject(throttled())
    }
    await outcomeOf(clock, paced.request('read', work))
    const waits = sent.slice(1).map((at, index) => at - (sent[index] ?? 0))
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(100 * 2 ** index)
  })

  test('with many answers at once pauses no longer than with one', async () => {
    const { clock, paced } = lab()
    const sent: number[] = []
    const work = () => {
      sent.push(clock.monotonicMs())
      return sent.length <= 15 ? Promise.reject(throttled()) : Promise.resolve()
    }
    const all = Array.from({ length: 15 }, () => paced.request('read', work))
    await clock.advance(1_500)
    await Promise.all(all)
    expect(sent).toHaveLength(30)
  })

  test('for longer than a request may wait is not waited for', async () => {
    const { clock, paced } = lab({ wait: '10s' })
    const slow = paced.request('read', () => Promise.reject(throttled(60_000)))
    expect(await outcomeOf(clock, slow, 20_000)).toMatchObject({ code: 'BACKEND_THROTTLED' })
    let sent = false
    const other = paced.request('stat', async () => {
      sent = true
    })
    await expect(other).rejects.toMatchObject({ code: 'BACKEND_THROTTLED', detail: { retryAfterMs: 40_000 } })
    expect([sent, clock.pending]).toEqual([false, 0])
    await clock.advance(41_000)
    await paced.request('stat', async () => undefined)
  })
})

describe('the request rate', () => {
  test('is kept, in order', async () => {
    const { clock, paced } = lab({ requests: '10/s' })
    const sent: number[] = []
    const all = Array.from({ length: 30 }, (_, n) =>
      paced.request('stat', async () => {
        sent.push(n)
      }),
    )
    await clock.advance(0)
    expect(sent).toHaveLength(10)
    await clock.advance(1_000)
    expect(sent).toHaveLength(20)
    await clock.advance(1_000)
    await Promise.all(all)
    expect(sent).toEqual(Array.from({ length: 30 }, (_, n) => n))
  })

  test('refuses who would wait too long', async () => {
    const { clock, paced } = lab({ requests: '1/s', wait: '5500ms' })
    const settled = Promise.allSettled(Array.from({ length: 10 }, () => paced.request('stat', async () => undefined)))
    await clock.advance(20_000)
    const codes = (await settled).map((one) => (one.status === 'fulfilled' ? 'ok' : (one.reason as Error)))
    expect(codes.filter((code) => code === 'ok')).toHaveLength(6)
    expect(codes.at(-1)).toMatchObject({ code: 'BACKEND_THROTTLED', message: /too many requests wait/ })
    expect(clock.pending).toBe(0)
  })

  test('who gives up while waiting leaves the queue and takes no turn', async () => {
    const { clock, paced } = lab({ requests: '1/s' })
    const controller = new AbortController()
    const { signal } = controller
    await paced.request('stat', async () => undefined)
    const leaving = paced.request('stat', async () => undefined, { signal })
    const behind = paced.request('stat', async () => undefined, { signal })
    const staying = paced.request('stat', async () => 'sent')
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(behind).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(1_000)
    expect(await staying).toBe('sent')
    expect([clock.pending, listenersOf(signal)]).toEqual([0, 0])
  })
})

describe('a request without an answer', () => {
  test('is given up after the time, and tried again', async () => {
    const { clock, paced } = lab({ attempts: 2, answer: '5s' })
    const signals: AbortSignal[] = []
    const work = (signal: AbortSignal) => {
      signals.push(signal)
      return never(signal)
    }
    const failed = await outcomeOf(clock, paced.request('stat', work))
    expect(failed).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: 'the backend did not answer in time' })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(clock.pending).toBe(0)
  })

  test('is given up though it is deaf to its signal, and the body that comes late is destroyed', async () => {
    const { clock, paced } = lab({ attempts: 1, answer: '5s' })
    const late = deferred<{ body: Readable }>()
    const work = paced.request('read', () => late.promise)
    expect(await outcomeOf(clock, work, 5_000)).toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    const body = Readable.from(['x'])
    late.resolve({ body })
    await clock.advance(0)
    expect(body.destroyed).toBe(true)
  })

  test('ends at once when the caller gives up', async () => {
    const { clock, paced } = lab()
    const controller = new AbortController()
    const { signal } = controller
    const asked = paced.request('stat', never, { signal })
    await clock.advance(0)
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' })
    expect([clock.pending, listenersOf(signal)]).toEqual([0, 0])
  })

  test('has all the time that it needs while it sends', async () => {
    const { clock, paced } = lab({ attempts: 1, answer: '5s' })
    const upload = paced.request('write', async (signal) => {
      for (let sent = 0; sent < 10; sent += 1) {
        await clock.sleep(4_000, { signal })
        await paced.sending(1_000, { signal })
      }
      return 'stored'
    })
    expect(await outcomeOf(clock, upload)).toBe('stored')
  })

  test('is given up when it stops after having sent something', async () => {
    const { clock, paced } = lab({ attempts: 1, answer: '5s' })
    const upload = paced.request('write', async (signal) => {
      await paced.sending(1_000, { signal })
      return never(signal)
    })
    expect(await outcomeOf(clock, upload, 5_000)).toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
  })

  test('does not lose time to the bandwidth that it waits for', async () => {
    const { clock, paced } = lab({ attempts: 1, answer: '5s', write: '1kB/s' })
    const upload = paced.request('write', async (signal) => {
      await paced.sending(20_000, { signal })
      await paced.sending(1_000, { signal })
      return clock.monotonicMs()
    })
    expect(await outcomeOf(clock, upload)).toBe(20_000)
    expect(clock.pending).toBe(0)
  })
})

describe('a body that is received', () => {
  const bytes = Buffer.from(seededRandom(3).bytes(5_000))
  const chunks = (size: number) =>
    Readable.from(
      Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size)),
      { objectMode: false },
    )

  test('comes whole at the bandwidth of the backend', async () => {
    const { clock, paced } = lab({ read: '1kB/s', stall: '1s' })
    const read = buffer(paced.received(chunks(100)))
    await clock.advance(3_900)
    const early = await Promise.race([read, Promise.resolve('not yet')])
    expect(early).toBe('not yet')
    await clock.advance(200)
    expect((await read).equals(bytes)).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('comes whole in chunks larger than a second may bring', async () => {
    const { clock, paced } = lab({ read: '100B/s' })
    const first = buffer(paced.received(chunks(5_000)))
    const second = buffer(paced.received(chunks(5_000)))
    await clock.advance(49_000)
    expect((await first).equals(bytes)).toBe(true)
    await clock.advance(2_000)
    expect((await second).equals(bytes)).toBe(true)
  })

  test('shares the bandwidth with all others', async () => {
    const { clock, paced } = lab({ read: '1kB/s' })
    const both = Promise.all([buffer(paced.received(chunks(100))), buffer(paced.received(chunks(100)))])
    await clock.advance(8_800)
    expect(await Promise.race([both, Promise.resolve('not yet')])).toBe('not yet')
    await clock.advance(300)
    await both
  })

  test('fails when nothing comes for too long, and lets the backend go', async () => {
    const { clock, paced } = lab({ stall: '5s' })
    const body = new PassThrough()
    body.write('some')
    const read = buffer(paced.received(body))
    const failed = await outcomeOf(clock, read, 5_000)
    expect(failed).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: 'the backend stopped sending' })
    expect([body.destroyed, clock.pending]).toEqual([true, 0])
  })

  test('may take for ever as long as something comes', async () => {
    const { clock, paced } = lab({ stall: '5s' })
    const body = new PassThrough()
    const read = buffer(paced.received(body))
    for (let sent = 0; sent < 20; sent += 1) {
      await clock.advance(4_900)
      body.write('x')
    }
    body.end()
    await clock.advance(0)
    expect(await read).toHaveLength(20)
  })

  test('loses no time while its reader does not read', async () => {
    const { clock, paced } = lab({ stall: '5s' })
    const body = new PassThrough()
    body.write('some')
    const reader = paced.received(body)[Symbol.asyncIterator]()
    expect((await reader.next()).value).toEqual(Buffer.from('some'))
    await clock.advance(60_000)
    body.end('more')
    expect((await reader.next()).value).toEqual(Buffer.from('more'))
    expect((await reader.next()).done).toBe(true)
  })

  test('fails as the body fails, in words of the table', async () => {
    const { paced } = lab()
    const failing = (err: Error) => {
      const body = new PassThrough()
      const received = paced.received(body)
      body.destroy(err)
      return buffer(received)
    }
    await expect(failing(new Error('other side closed'))).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await expect(failing(appError('BACKEND_DENIED'))).rejects.toMatchObject({ code: 'BACKEND_DENIED' })
  })

  test('that is destroyed destroys the body, also while it waits for bandwidth', async () => {
    const { clock, paced } = lab({ read: '100B/s' })
    const body = chunks(1_000)
    const received = paced.received(body)
    received.on('error', () => undefined).resume()
    await clock.advance(0)
    received.destroy()
    await clock.advance(0)
    expect([body.destroyed, clock.pending]).toEqual([true, 0])
  })

  test.each([true, false])('is ended by the signal of its caller (already fired: %s)', async (early) => {
    const { clock, paced } = lab()
    const controller = new AbortController()
    const { signal } = controller
    const body = new PassThrough()
    if (early) controller.abort()
    const read = buffer(paced.received(body, { signal }))
    const failed = expect(read).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(0)
    controller.abort()
    await failed
    await clock.advance(0)
    expect([body.destroyed, clock.pending, listenersOf(signal)]).toEqual([true, 0, 0])
  })

  test('leaves no listener behind when it was read', async () => {
    const { clock, paced } = lab({ read: '100kB/s' })
    const { signal } = new AbortController()
    const read = buffer(paced.received(chunks(100), { signal }))
    await clock.advance(10)
    expect((await read).equals(bytes)).toBe(true)
    expect([clock.pending, listenersOf(signal)]).toEqual([0, 0])
  })
})

describe('the limits of a backend', () => {
  test('have defaults', () => {
    expect(backendLimitsSchema.parse(undefined)).toEqual({
      requests: undefined,
      read: undefined,
      write: undefined,
      attempts: 5,
      answer: 30_000,
      stall: 30_000,
      wait: 60_000,
    })
  })

  test('are rates and times', () => {
    const parsed = backendLimitsSchema.parse({ requests: '500/s', read: '100MB/s', write: 'unlimited', stall: '1m' })
    expect(parsed).toMatchObject({ requests: 500, read: 100e6, write: undefined, stall: 60_000 })
  })

  test.each([
    { requests: '500MB/s' },
    { requests: '0/s' },
    { requests: 500 },
    { attempts: 0 },
    { attempts: 1.5 },
    { answer: '0' },
    { burst: 1 },
  ])('refuse %j', (limits) => {
    expect(backendLimitsSchema.safeParse(limits).success).toBe(false)
  })
})
