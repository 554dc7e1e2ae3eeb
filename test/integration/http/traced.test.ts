import { afterEach, describe, expect, test } from '@jest/globals'
import { appError, seededRandom, systemClock } from '../../../lib/base/index.ts'
import { httpClient, type Route, sendJson } from '../../../lib/http/index.ts'
import { secretAuthenticator } from '../../../lib/identity/index.ts'
import { inSpan, RecordingTracer, type SpanRecord, type Tracer } from '../../../lib/telemetry/index.ts'
import { type HttpPair, httpPair } from '../../kit/http-pair.ts'
import { accepting } from '../../kit/secrets.ts'

const made: RecordingTracer[] = []
afterEach(() => {
  for (const tracer of made.splice(0)) tracer[Symbol.dispose]()
})

/** What one service makes of traces. */
function traced(ratio: number) {
  const spans: SpanRecord[] = []
  const waiting = new Set<() => void>()
  const onSpan = (span: SpanRecord) => {
    spans.push(span)
    for (const look of waiting) look()
  }
  const tracer = new RecordingTracer(
    { clock: systemClock(), random: seededRandom(spans.length + made.length), onSpan },
    { ratio },
  )
  made.push(tracer)
  const until = (name: string) =>
    new Promise<SpanRecord>((resolve) => {
      const look = () => {
        const found = spans.find((span) => span.name === name)
        if (found !== undefined) resolve(found)
      }
      waiting.add(look)
      look()
    })
  return { tracer, spans, until }
}

const asked: Route = {
  methods: ['GET'],
  path: '/things/:id',
  right: 'read',
  summary: 'for a test',
  handle(exchange) {
    if (exchange.params['id'] === 'broken')
      throw appError('BACKEND_UNAVAILABLE', { message: 'at http://key:secret@store' })
    sendJson(exchange, 200, { seen: exchange.req.headers['traceparent'] ?? 'none' })
  },
}
const ping: Route = { ...asked, path: '/ping', untraced: true }

const secrets = accepting({
  node: 'the-secret-of-nodes',
  read: 'the-secret-of-readers',
  peering: 'the-secret-of-others',
})

function pairFor(tracer: Tracer, init: { readonly envelope?: 'registry'; readonly secrets?: typeof secrets } = {}) {
  const { envelope = 'own' } = init
  const authenticate = secretAuthenticator(init.secrets === undefined ? {} : { secrets: init.secrets })
  return httpPair([asked, ping], { tracer: () => tracer, authenticate, server: { envelope } })
}

const theirs = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }
const parent = (flags: '00' | '01') => `00-${theirs.traceId}-${theirs.spanId}-${flags}`

async function get(pair: HttpPair, path: string, headers: Record<string, string> = {}) {
  const answer = await pair.client.request({ method: 'GET', url: pair.url(path), headers })
  return { status: answer.status, body: await answer.json(10_000) }
}

describe('a registry', () => {
  test('begins a trace of its own, and names that of a stranger in it, who decides nothing', async () => {
    const { tracer, until } = traced(1)
    await using pair = await pairFor(tracer, { envelope: 'registry' })
    await get(pair, '/things/1?account=a-secret', { traceparent: parent('00') })
    const span = await until('GET /things/:id')
    expect(span).toMatchObject({ parentId: undefined, kind: 'server', link: { ...theirs, isSampled: false } })
    expect(span.context.traceId).not.toBe(theirs.traceId)
    expect(span.attributes).toMatchObject({
      'url.path': '/things/1',
      'http.response.status_code': 200,
      'shoal.whole': true,
    })
  })

  test('records nothing because a stranger says so, however often', async () => {
    const { tracer, spans } = traced(0)
    await using pair = await pairFor(tracer, { envelope: 'registry' })
    for (let i = 0; i < 20; i += 1) await get(pair, '/things/1', { traceparent: parent('01') })
    expect(spans).toEqual([])
  })

  test.each([
    ['/v2/a/blobs/uploads/8a1c-secret?_state=another', '/v2/a/blobs/uploads/:id'],
    ['/v2/uploads/a/blobs/uploads/8a1c-secret', '/v2/uploads/:id/blobs/uploads/:id'],
    ['/v2/a/blobs/%75ploads/8a1c-secret', '/v2/a/blobs/%75ploads/:id'],
  ])('shows no id of an upload, since it is what one needs to go on with it: %s', async (path, told) => {
    const { tracer, until } = traced(1)
    const upload: Route = { ...asked, path: '/v2/*rest' }
    const authenticate = secretAuthenticator({})
    await using pair = await httpPair([upload], {
      tracer: () => tracer,
      authenticate,
      server: { envelope: 'registry' },
    })
    await get(pair, path)
    expect((await until('GET /v2/*rest')).attributes['url.path']).toBe(told)
  })

  test('begins none for a ping', async () => {
    const { tracer, spans, until } = traced(1)
    await using pair = await pairFor(tracer, { envelope: 'registry' })
    await get(pair, '/ping')
    await get(pair, '/things/1')
    await until('GET /things/:id')
    expect(spans).toHaveLength(1)
  })
})

describe('a service', () => {
  const nodes = { authorization: 'Bearer the-secret-of-nodes' }

  test('goes on with the trace of one of ours, recorded where that is', async () => {
    const { tracer, until, spans } = traced(0)
    await using pair = await pairFor(tracer, { secrets })
    await get(pair, '/things/1', { ...nodes, traceparent: parent('00') })
    await get(pair, '/things/1', { ...nodes, traceparent: parent('01') })
    const span = await until('GET /things/:id')
    expect(span).toMatchObject({ parentId: theirs.spanId, context: { traceId: theirs.traceId } })
    expect(spans).toHaveLength(1)
  })

  test.each([
    ['a reader', 'Bearer the-secret-of-readers'],
    ['another cluster', 'Bearer the-secret-of-others'],
    ['nobody', undefined],
  ])('takes nothing that %s says of a trace, and begins none', async (_who, authorization) => {
    const { tracer, spans, until } = traced(1)
    await using pair = await pairFor(tracer, { secrets })
    await get(pair, '/things/1', { traceparent: parent('01'), ...(authorization !== undefined && { authorization }) })
    await get(pair, '/things/1', { ...nodes, traceparent: parent('01') })
    await until('GET /things/:id')
    expect(spans).toHaveLength(1)
  })

  test('takes nothing of two headers, or of a malformed one', async () => {
    const { tracer, spans, until } = traced(1)
    await using pair = await pairFor(tracer)
    await get(pair, '/things/1', { traceparent: `${parent('01')}, ${parent('01')}` })
    await get(pair, '/things/1', { traceparent: 'x'.repeat(5_000) })
    await get(pair, '/things/1', { traceparent: parent('01') })
    await until('GET /things/:id')
    expect(spans).toHaveLength(1)
  })

  test('says with which code a request failed, never in its words, and names the trace in the log', async () => {
    const { tracer, until } = traced(1)
    await using pair = await pairFor(tracer)
    const { status } = await get(pair, '/things/broken', { traceparent: parent('01') })
    const span = await until('GET /things/:id')
    expect([status, span.failure]).toEqual([503, 'BACKEND_UNAVAILABLE'])
    expect(JSON.stringify(span)).not.toContain('secret')
    const line = pair.logger.lines.find(({ message }) => message === 'failed to answer a request')
    expect(line?.fields).toMatchObject({ traceId: theirs.traceId, spanId: span.context.spanId })
  })
})

describe('a client', () => {
  test('carries the trace under way on, in a span of its own that lasts to the end of the answer', async () => {
    const { tracer, until } = traced(1)
    const far = traced(0)
    await using pair = await pairFor(far.tracer)
    const client = httpClient({ clock: systemClock() }, { tracer })
    const entry = tracer.enter('root')
    await entry.run(() =>
      inSpan(tracer, 'work', {}, async () => {
        const answer = await client.request({ method: 'GET', url: pair.url('/things/1') })
        await answer.bytes(10_000)
      }),
    )
    const [request, work, remote] = [await until('GET'), await until('work'), await far.until('GET /things/:id')]
    expect([request.parentId, remote.parentId]).toEqual([work.context.spanId, request.context.spanId])
    expect(request.attributes).toMatchObject({ 'server.address': '127.0.0.1', 'http.response.status_code': 200 })
    await client.stop()
  })

  test('says why there was no answer', async () => {
    const { tracer, until } = traced(1)
    const client = httpClient({ clock: systemClock() }, { tracer })
    const request = tracer.enter('root').run(() => client.request({ method: 'GET', url: 'http://127.0.0.1:9/' }))
    await expect(request).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    expect((await until('GET')).failure).toBe('PEER_CLOSED')
    await client.stop()
  })

  test('of somebody else tells nothing of traces, nor does one of ours outside of them', async () => {
    const { tracer } = traced(1)
    await using pair = await pairFor(tracer)
    const [others, ours] = [httpClient({ clock: systemClock() }), httpClient({ clock: systemClock() }, { tracer })]
    const seen = async (client: typeof others) => {
      const answer = await client.request({ method: 'GET', url: pair.url('/things/1') })
      return answer.json(10_000)
    }
    expect(await tracer.enter('root').run(() => seen(others))).toEqual({ seen: 'none' })
    expect(await seen(ours)).toEqual({ seen: 'none' })
    await Promise.all([others.stop(), ours.stop()])
  })
})
