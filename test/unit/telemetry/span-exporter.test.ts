import { expect, test } from '@jest/globals'
import { deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import {
  recordingLogger,
  recordingMetrics,
  type SpanRecord,
  spanExporter,
  type Verdict,
} from '../../../lib/telemetry/index.ts'

const record: SpanRecord = {
  context: { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), isSampled: true },
  ...{ parentId: undefined, name: 'n', kind: 'internal', startMs: 1, endMs: 2 },
  ...{ attributes: {}, events: [], link: undefined, failure: undefined },
}
const taken: Verdict = { kind: 'taken', rejected: 0 }
const spansOf = (body: Uint8Array) =>
  JSON.parse(Buffer.from(body).toString('utf8')).resourceSpans[0].scopeSpans[0].spans.length as number

/** A collector that answers as `answer` says. */
async function lab(answer: (nth: number, signal: AbortSignal) => Promise<Verdict>, flushMs = 2_000) {
  const [clock, logger, metrics] = [fakeClock(), recordingLogger(), recordingMetrics()]
  const bodies: number[] = []
  const send = (body: Uint8Array, { signal }: { readonly signal: AbortSignal }) => {
    bodies.push(spansOf(body))
    return answer(bodies.length, signal)
  }
  const resource = { service: 's', instance: 'i', host: 'h' }
  const exporter = spanExporter({ clock, random: seededRandom(1), logger, metrics, send }, { resource, flushMs })
  await exporter.start()
  await clock.advance(0)
  const offer = (count: number) => {
    for (let i = 0; i < count; i += 1) exporter.offer(record)
  }
  const count = (outcome: string) => metrics.value('shoal_trace_spans_total', { outcome })
  const warnings = () => logger.lines.filter(({ level }) => level === 'warn')
  return { clock, bodies, exporter, offer, count, warnings }
}

test('spans are sent together, every two seconds, and at once when there are many', async () => {
  const { clock, bodies, offer, count, exporter } = await lab(async () => taken)
  offer(3)
  await clock.advance(1_999)
  expect(bodies).toEqual([])
  await clock.advance(1)
  expect(bodies).toEqual([3])
  offer(513)
  await clock.advance(0)
  expect(bodies).toEqual([3, 512])
  await exporter.stop()
  expect(bodies).toEqual([3, 512, 1])
  expect(count('sent')).toBe(516)
})

test('while a collector does not answer nobody waits, and memory has a bound', async () => {
  const never = deferred<Verdict>()
  const { clock, bodies, offer, count, warnings, exporter } = await lab((_nth, signal) => {
    signal.addEventListener('abort', () => never.reject(new Error('aborted')))
    return never.promise
  })
  offer(10_000)
  await clock.advance(2_000)
  expect(bodies).toEqual([512])
  expect(count('full')).toBe(10_000 - 2_048)
  expect(warnings()).toHaveLength(1)
  const stopped = exporter.stop()
  await clock.advance(2_000)
  await stopped
  expect(count('lost')).toBe(2_048)
})

test('a batch is tried again after the time that the collector says, at most half a minute', async () => {
  const { clock, bodies, offer, count, exporter } = await lab(async (nth) =>
    nth <= 2 ? { kind: 'later', why: 'the collector answered 429', afterMs: nth === 1 ? 7_000 : 600_000 } : taken,
  )
  offer(600)
  await clock.advance(0)
  await clock.advance(6_999)
  expect(bodies).toEqual([512])
  offer(600)
  await clock.advance(1)
  expect(bodies).toEqual([512, 512])
  await clock.advance(29_999)
  expect(bodies).toHaveLength(2)
  await clock.advance(1)
  await exporter.stop()
  expect(count('sent')).toBe(1_200)
})

test('after six tries a batch is given up, and the next one has its own', async () => {
  const { clock, bodies, offer, count, warnings, exporter } = await lab(async () => Promise.reject(new Error('away')))
  offer(512)
  for (let i = 0; i < 6; i += 1) await clock.advance(30_000)
  expect(bodies).toHaveLength(6)
  expect(count('lost')).toBe(512)
  offer(1)
  await clock.advance(30_000)
  expect(bodies.length).toBeGreaterThan(6)
  await exporter.stop()
  expect(count('lost')).toBe(513)
  expect(warnings()).toHaveLength(1)
})

test('what a collector refuses is not tried again, in whole or in part', async () => {
  const { clock, bodies, offer, count, exporter } = await lab(async (nth) =>
    nth === 1 ? { kind: 'refused', why: 'the collector answered 400' } : { kind: 'taken', rejected: 2 },
  )
  offer(5)
  await clock.advance(2_000)
  offer(5)
  await clock.advance(2_000)
  expect(bodies).toEqual([5, 5])
  expect([count('refused'), count('sent')]).toEqual([7, 3])
  await exporter.stop()
})

test('the log says once in five minutes that traces are lost', async () => {
  const { clock, offer, warnings, exporter } = await lab(async () => ({ kind: 'refused', why: 'no' }))
  for (let i = 0; i < 301; i += 1) {
    offer(1)
    await clock.advance(1_000)
  }
  expect(warnings()).toHaveLength(1)
  offer(1)
  await clock.advance(4_000)
  expect(warnings()).toHaveLength(2)
  await exporter.stop()
})

test('a stop sends what waits, and takes no longer than it may', async () => {
  const { clock, bodies, offer, count, exporter } = await lab(async (nth, signal) => {
    if (nth < 3) return taken
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    throw new Error('aborted')
  }, 1_000)
  offer(400)
  await clock.advance(0)
  const quick = exporter.stop()
  await quick
  expect(bodies).toEqual([400])
  await exporter.start()
  offer(1_000)
  await clock.advance(0)
  const stopped = exporter.stop()
  await clock.advance(1_000)
  await stopped
  expect([count('sent'), count('lost')]).toEqual([912, 488])
})
