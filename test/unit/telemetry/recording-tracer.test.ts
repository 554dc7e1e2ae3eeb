import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import {
  inSpan,
  isChosen,
  RecordingTracer,
  recordingLogger,
  type SpanRecord,
  silentTracer,
  tracedLogger,
} from '../../../lib/telemetry/index.ts'

const made: RecordingTracer[] = []
afterEach(() => {
  for (const tracer of made.splice(0)) tracer[Symbol.dispose]()
})

function lab(ratio = 1) {
  const clock = fakeClock(1_700_000_000_000)
  const spans: SpanRecord[] = []
  const tracer = new RecordingTracer({ clock, random: seededRandom(7), onSpan: (span) => spans.push(span) }, { ratio })
  made.push(tracer)
  const named = (name: string) => spans.find((span) => span.name === name)!
  return { clock, spans, tracer, named }
}

const stranger = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), isSampled: true }

describe('spans', () => {
  test('have the span as parent in which they begin, through every await, and those of others do not mix', async () => {
    const { tracer, named, spans } = lab()
    const pull = async (name: string) => {
      const entry = tracer.enter(name)
      await entry.run(async () => {
        await turn()
        await inSpan(tracer, `${name} outer`, {}, async () => {
          await turn()
          await inSpan(tracer, `${name} inner`, {}, () => turn())
        })
        await inSpan(tracer, `${name} beside`, {}, () => turn())
      })
      entry.span.end()
    }
    await Promise.all([pull('a'), pull('b')])
    for (const name of ['a', 'b']) {
      const root = named(name)
      expect(root.parentId).toBeUndefined()
      expect(named(`${name} outer`).parentId).toBe(root.context.spanId)
      expect(named(`${name} inner`).parentId).toBe(named(`${name} outer`).context.spanId)
      expect(named(`${name} beside`).parentId).toBe(root.context.spanId)
      expect(named(`${name} inner`).context.traceId).toBe(root.context.traceId)
    }
    expect(new Set(spans.map(({ context }) => context.traceId)).size).toBe(2)
  })

  test('have the times of one clock, also those that are told afterwards', async () => {
    const { clock, tracer, named } = lab()
    const entry = tracer.enter('root')
    const startMs = clock.monotonicMs()
    await clock.advance(30)
    entry.run(() => tracer.begin('told', { startMs: startMs + 5 }).end(startMs + 25))
    entry.span.event('moment', {}, startMs + 10)
    entry.span.end()
    const beginMs = 1_700_000_000_000
    expect(named('root')).toMatchObject({ startMs: beginMs, endMs: beginMs + 30 })
    expect(named('root').events).toEqual([{ name: 'moment', atMs: beginMs + 10, attributes: {} }])
    expect(named('told')).toMatchObject({ startMs: beginMs + 5, endMs: beginMs + 25 })
  })

  test('fail with the code of what is thrown, and never with its text', async () => {
    const { tracer, spans } = lab()
    const err = appError('BACKEND_DENIED', { message: 'the key AKIA was refused' })
    const work = () => inSpan(tracer, 'failing', {}, () => Promise.reject(err))
    await expect(tracer.enter('root').run(work)).rejects.toBe(err)
    expect(spans[0]).toMatchObject({ name: 'failing', failure: 'BACKEND_DENIED' })
    expect(JSON.stringify(spans)).not.toContain('AKIA')
  })

  test('of one request have a bound, and the first one says how many were left out', () => {
    const { tracer, spans, named } = lab()
    const entry = tracer.enter('root')
    entry.run(() => {
      for (let i = 0; i < 1000; i += 1) tracer.begin('piece').end()
    })
    entry.span.end()
    expect(spans).toHaveLength(128)
    expect(named('root').attributes).toEqual({ 'shoal.spans_left_out': 873 })
  })

  test('hold a bounded number of attributes and events, and bounded texts', () => {
    const { tracer, named } = lab()
    const { span } = tracer.enter('root')
    for (let i = 0; i < 100; i += 1) {
      span.set({ [`a${i}`]: i })
      span.event('e', Object.fromEntries(Array.from({ length: 100 }, (_, j) => [`b${j}`, j])))
    }
    span.set({ a0: 'x'.repeat(1000) })
    span.end()
    span.set({ a1: 'after the end' })
    const { attributes, events } = named('root')
    expect(Object.keys(attributes)).toHaveLength(32)
    expect(attributes['a0']).toBe('x'.repeat(256))
    expect(attributes['a1']).toBe(1)
    expect(events).toHaveLength(32)
    expect(Object.keys(events[0]!.attributes)).toHaveLength(32)
  })

  test('begin no more once the request has ended, but for what is told of one that was there', () => {
    const { tracer, spans } = lab()
    const entry = tracer.enter('root')
    entry.run(() => {
      const pull = tracer.begin('pull')
      entry.span.end()
      tracer.begin('in the background').end()
      expect(tracer.headers()).toEqual({})
      expect(tracer.ids()).toBeUndefined()
      tracer.begin('a wait', { under: pull }).end()
      pull.end()
    })
    expect(spans.map(({ name }) => name)).toEqual(['root', 'a wait', 'pull'])
  })
})

describe('a trace', () => {
  test('of a service of ours goes on, with its state', () => {
    const { tracer, named } = lab(0)
    const entry = tracer.enter('root', { from: { ...stranger, state: 'vendor=1' } })
    const headers = entry.run(() => tracer.headers())
    entry.span.end()
    const { context, parentId } = named('root')
    expect([context.traceId, parentId]).toEqual([stranger.traceId, stranger.spanId])
    const traceparent = `00-${stranger.traceId}-${context.spanId}-01`
    expect(headers).toEqual({ traceparent, tracestate: 'vendor=1' })
  })

  test('that is not recorded is carried on and named in the log, and costs no span', () => {
    const { tracer, spans } = lab(1)
    const entry = tracer.enter('root', { from: { ...stranger, isSampled: false } })
    entry.run(() => {
      tracer.begin('inner').end()
      expect(tracer.headers()['traceparent']).toMatch(new RegExp(`^00-${stranger.traceId}-[0-9a-f]{16}-00$`))
      expect(tracer.ids()?.traceId).toBe(stranger.traceId)
    })
    entry.span.end()
    expect(spans).toEqual([])
  })

  test('that begins here is recorded for the part of them that the ratio says, and by its id alone', () => {
    const { tracer, spans } = lab(0.25)
    for (let i = 0; i < 4000; i += 1) tracer.enter('root').span.end()
    expect(spans.length / 4000).toBeCloseTo(0.25, 1)
    expect(spans.every(({ context }) => isChosen(context.traceId, 0.25))).toBe(true)
  })

  test.each([
    [0, `${'0'.repeat(31)}1`, false],
    [1, 'f'.repeat(32), true],
    [0.5, `${'0'.repeat(18)}7fffffffffffff`, true],
    [0.5, `${'0'.repeat(18)}80000000000000`, false],
  ])('with the ratio %d and the id %s is chosen: %p', (ratio, id, chosen) => {
    expect(isChosen(id, ratio)).toBe(chosen)
  })
})

test('log lines within a trace name it, those of children and those of others, too', () => {
  const { tracer } = lab(0)
  const inner = recordingLogger()
  const logger = tracedLogger(inner, tracer)
  const entry = tracer.enter('root', { from: stranger })
  entry.run(() => logger.child({ listener: 'http' }).info('within', { a: 1 }))
  logger.info('outside')
  expect(inner.lines.map(({ message, fields }) => [message, fields])).toEqual([
    ['within', { listener: 'http', ...entry.ids, a: 1 }],
    ['outside', {}],
  ])
})

test('without traces nothing is made', async () => {
  expect(silentTracer.enter('root').run(() => silentTracer.ids())).toBeUndefined()
  expect(silentTracer.headers()).toEqual({})
  expect(await inSpan(silentTracer, 'x', {}, async () => 7)).toBe(7)
})
