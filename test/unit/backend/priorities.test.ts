import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import { backendLimitsSchema, type Governor, governor, type Urgency, urgency } from '../../../lib/backend/index.ts'
import { appError, type FakeClock, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import type { ReadPriority } from '../../../lib/core/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'

interface Lab {
  readonly clock: FakeClock
  readonly paced: Governor
  /** Who was let through, and when: `fill 7000`. */
  readonly sent: readonly string[]
  /** Sends a request that the backend accepts. */
  readonly ask: (at: ReadPriority | Urgency, signal?: AbortSignal) => Promise<void>
  /** Sends a request whose first try the backend refuses for so long. */
  readonly refused: (priority: ReadPriority, retryAfterMs: number) => Promise<void>
}

function lab(limits: Record<string, unknown> = {}): Lab {
  const clock = fakeClock()
  const paced = governor(
    { clock, metrics: silentMetrics(), random: seededRandom(1) },
    backendLimitsSchema.parse(limits),
  )
  const sent: string[] = []
  const send = (at: Urgency, work: () => Promise<void>, signal?: AbortSignal) => {
    const tried = async () => {
      sent.push(`${at.priority} ${clock.monotonicMs()}`)
      await work()
    }
    return paced.request('read', tried, { urgency: at, signal })
  }
  return {
    ...{ clock, paced, sent },
    ask: (at, signal) => send(typeof at === 'string' ? urgency(at) : at, async () => undefined, signal),
    refused(priority, retryAfterMs) {
      let tries = 0
      return send(urgency(priority), async () => {
        tries += 1
        if (tries === 1) throw appError('BACKEND_THROTTLED', { detail: { retryAfterMs } })
      })
    },
  }
}

const kinds = (sent: readonly string[]) => sent.map((one) => one.split(' ')[0])

describe('a backend that asks to slow down', () => {
  test('is first left in peace by the fill, while what somebody waits for goes on', async () => {
    const { clock, ask, refused, sent } = lab()
    await ask('fill')
    await ask('prefetch')
    const first = refused('onDemand', 10_000)
    await clock.advance(0)
    const fill = ask('fill')
    await Promise.all([ask('prefetch'), ask('onDemand')])
    expect(kinds(sent)).toEqual(['fill', 'prefetch', 'onDemand', 'prefetch', 'onDemand'])
    await clock.advance(9_999)
    await first
    expect(kinds(sent).filter((kind) => kind === 'fill')).toHaveLength(1)
    await clock.advance(1_001)
    await fill
  })

  test('and asks again is left in peace by the prefetch, too, and the third time by all', async () => {
    const { clock, ask, refused, sent } = lab()
    await ask('fill')
    await ask('prefetch')
    for (const [before, held] of [
      [['onDemand', 'prefetch'], ['fill']],
      [['onDemand'], ['fill', 'prefetch']],
      [[], ['fill', 'prefetch', 'onDemand']],
    ] as const) {
      const refusal = refused('onDemand', 30_000)
      refusal.catch(() => undefined)
      await clock.advance(1)
      const count = sent.length
      const controller = new AbortController()
      const all = Promise.allSettled([...before, ...held].map((one) => ask(one, controller.signal)))
      await clock.advance(0)
      expect(kinds(sent.slice(count))).toEqual([...before])
      controller.abort()
      await all
    }
  })

  test('with nothing but what somebody waits for is left in peace by that at once', async () => {
    const { clock, ask, refused, sent } = lab()
    const first = refused('onDemand', 10_000)
    await clock.advance(0)
    const second = ask('onDemand')
    await clock.advance(9_999)
    expect(sent).toHaveLength(1)
    await clock.advance(2_000)
    await Promise.all([first, second])
  })

  test('does not hold up a fill that somebody begins to wait for', async () => {
    const { clock, ask, refused, sent } = lab()
    const first = refused('fill', 30_000)
    await clock.advance(0)
    const raised = urgency('fill')
    const asked = ask(raised)
    await clock.advance(5_000)
    expect(sent).toHaveLength(1)
    raised.raise('prefetch')
    await asked
    expect(sent.at(-1)).toBe('prefetch 5000')
    await clock.advance(60_000)
    await first
  })
})

describe('the request rate', () => {
  test('is used by the most urgent first, and by equals in their order', async () => {
    const { clock, ask, sent } = lab({ requests: '1/s' })
    await ask('onDemand')
    const raised = urgency('fill')
    const all = [ask('fill'), ask('prefetch'), ask(raised), ask('onDemand'), ask('prefetch')]
    raised.raise('onDemand')
    await clock.advance(5_000)
    await Promise.all(all)
    expect(kinds(sent)).toEqual(['onDemand', 'onDemand', 'onDemand', 'prefetch', 'prefetch', 'fill'])
  })

  test('loses nothing by one who gives up, or whose pause begins when his turn comes', async () => {
    const { clock, ask, refused, sent } = lab({ requests: '1/s' })
    await ask('fill')
    const controller = new AbortController()
    const gone = ask('onDemand', controller.signal)
    const throttled = refused('prefetch', 5_000)
    controller.abort()
    await expect(gone).rejects.toMatchObject({ code: 'ABORTED' })
    const fill = ask('fill')
    await clock.advance(1_000)
    const reader = ask('onDemand')
    await clock.advance(1_000)
    await reader
    expect(sent.at(-1)).toBe('onDemand 2000')
    await clock.advance(30_000)
    await Promise.all([throttled, fill])
    expect(clock.pending).toBe(0)
  })
})

test('the bandwidth is used by the most urgent first', async () => {
  const { clock, paced } = lab({ read: '1KB/s' })
  const done: string[] = []
  const read = async (priority: ReadPriority) => {
    const body = Readable.from([Buffer.alloc(1000)], { objectMode: false })
    await buffer(paced.received(body, { urgency: urgency(priority) }))
    done.push(priority)
  }
  await read('onDemand')
  const all = [read('fill'), read('prefetch'), read('onDemand')]
  await clock.advance(4_000)
  await Promise.all(all)
  expect(done).toEqual(['onDemand', 'onDemand', 'prefetch', 'fill'])
})
