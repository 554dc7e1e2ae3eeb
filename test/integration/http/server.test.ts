import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { appError, deferred } from '../../../lib/base/index.ts'
import { sendBytes, sendEmpty, sendJson, sendStream } from '../../../lib/http/index.ts'
import { secretAuthenticator } from '../../../lib/identity/index.ts'
import { opsRoutes } from '../../../lib/service/index.ts'
import { prometheusMetrics } from '../../../lib/telemetry/index.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'
import { accepting } from '../../kit/secrets.ts'

const LIMIT = 64 * 1024

const get = async (pair: HttpPair, path: string, headers: Record<string, string> = {}) => {
  const response = await pair.client.request({ method: 'GET', url: pair.url(path), headers })
  const text = Buffer.from(await response.bytes(LIMIT)).toString()
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) as unknown }
}

describe('routing', () => {
  test('decodes path parameters once and joins a wildcard; the raw target stays as it came', async () => {
    await using pair = await httpPair([
      route(['GET'], '/namespace/:namespace/blobs/:digest', (exchange) => sendJson(exchange, 200, exchange.params)),
      route(['GET'], '/v2/*rest', (exchange) =>
        sendJson(exchange, 200, [exchange.params, exchange.path, [...exchange.query], exchange.req.url]),
      ),
    ])
    const named = await get(pair, '/namespace/a%2Fb%2525/blobs/sha256:00')
    expect(named.json()).toEqual({ namespace: 'a/b%25', digest: 'sha256:00' })
    const target = '/v2/a/b%20c/d?n=1&info_hash=%01%FF'
    expect((await get(pair, target)).json()).toEqual([
      { rest: 'a/b c/d' },
      '/v2/a/b%20c/d',
      [
        ['n', '1'],
        ['info_hash', '\u0001\ufffd'],
      ],
      target,
    ])
  })

  test('keeps apart case and a trailing slash', async () => {
    await using pair = await httpPair([route(['GET'], '/v2/', (exchange) => sendEmpty(exchange, 200))])
    expect((await get(pair, '/v2/')).status).toBe(200)
    expect((await get(pair, '/v2')).status).toBe(404)
    expect((await get(pair, '/V2/')).status).toBe(404)
  })

  test('answers 405 with every method of the path, and goes on to a later pattern that takes the method', async () => {
    await using pair = await httpPair([
      route(['GET'], '/a', (exchange) => sendEmpty(exchange, 200)),
      route(['PUT'], '/a', (exchange) => sendEmpty(exchange, 201)),
      route(['DELETE'], '/*rest', (exchange) => sendEmpty(exchange, 204)),
    ])
    const ask = async (method: 'PUT' | 'POST' | 'DELETE') => {
      const response = await pair.client.request({ method, url: pair.url('/a') })
      await response.discard()
      const { allow } = response.headers
      return [response.status, allow]
    }
    expect(await ask('PUT')).toEqual([201, undefined])
    expect(await ask('DELETE')).toEqual([204, undefined])
    expect(await ask('POST')).toEqual([405, 'GET, PUT, DELETE'])
  })

  test('answers HEAD without a body', async () => {
    const closed = deferred()
    await using pair = await httpPair([
      route(['GET', 'HEAD'], '/bytes', (exchange) => sendBytes(exchange, { status: 200, body: Buffer.from('12345') })),
      route(['HEAD'], '/stream', async (exchange) => {
        const body = new Readable({ read: () => undefined })
        body.once('close', () => closed.resolve())
        await sendStream(exchange, { status: 200, headers: { 'content-length': 9 }, body })
      }),
    ])
    for (const [path, length] of [
      ['/bytes', '5'],
      ['/stream', '9'],
    ] as const) {
      const response = await pair.client.request({ method: 'HEAD', url: pair.url(path) })
      expect([response.status, response.headers['content-length']]).toEqual([200, length])
      expect(await response.bytes(LIMIT)).toHaveLength(0)
    }
    await closed.promise
  })
})

describe('errors', () => {
  const failing = [
    route(['GET'], '/full', () => {
      throw appError('STORE_FULL', { detail: { free: 0 } })
    }),
    route(['GET'], '/blob', () => Promise.reject(appError('BLOB_UNKNOWN'))),
    route(['GET'], '/range', () => Promise.reject(appError('RANGE_UNSATISFIABLE', { detail: { size: 7 } }))),
    route(['GET'], '/bug', () => Promise.reject(new TypeError('secret of the house'))),
    route(['GET'], '/silent', () => undefined),
  ]

  test('are JSON with the code, the status of the table and the detail', async () => {
    await using pair = await httpPair(failing)
    const full = await get(pair, '/full')
    expect([full.status, full.headers['content-type']]).toEqual([507, 'application/json'])
    expect(full.json()).toEqual({ error: { code: 'STORE_FULL', message: expect.any(String), detail: { free: 0 } } })
    expect((await get(pair, '/nowhere')).json()).toMatchObject({ error: { code: 'NOT_FOUND' } })
  })

  test.each([
    ['application/problem+json', true],
    ['text/html, Application/Problem+JSON;q=0.5', true],
    ['application/problem+json;q=0.0', false],
    ['*/*', false],
    ['application/json', false],
  ])('are problems of RFC 9457 for clients that ask for them: %s', async (accept, isProblem) => {
    await using pair = await httpPair(failing)
    const full = await get(pair, '/full', { accept })
    const { message } = appError('STORE_FULL')
    const facts = {
      title: 'Insufficient Storage',
      status: 507,
      detail: message,
      code: 'STORE_FULL',
      facts: { free: 0 },
    }
    const problem = { type: 'about:blank', ...facts }
    const own = { error: { code: 'STORE_FULL', message, detail: { free: 0 } } }
    expect([full.status, full.headers['x-shoal-code'], full.headers['content-type'], full.json()]).toEqual([
      ...[507, 'STORE_FULL'],
      ...(isProblem ? ['application/problem+json', problem] : ['application/json', own]),
    ])
  })

  test.each([
    ['/blob', 404, 'BLOB_UNKNOWN', undefined],
    ['/full', 507, 'UNAVAILABLE', { free: 0, code: 'STORE_FULL' }],
    ['/range', 416, 'RANGE_INVALID', { size: 7, code: 'RANGE_UNSATISFIABLE' }],
    ['/nowhere', 404, 'NAME_UNKNOWN', { code: 'NOT_FOUND' }],
    ['/%zz', 400, 'UNSUPPORTED', { code: 'REQUEST_INVALID' }],
  ])('on a registry %s answers %p with %p of the OCI spec', async (path, status, code, detail) => {
    await using pair = await httpPair(
      [...failing, route(['GET'], '/:any', (exchange) => sendEmpty(exchange, 404))].filter(
        ({ path: pattern }) => pattern !== '/:any' || path === '/%zz',
      ),
      { server: { envelope: 'registry' } },
    )
    const answer = await get(pair, path)
    expect(answer.status).toBe(status)
    expect(answer.json()).toEqual({
      errors: [{ code, message: expect.any(String), ...(detail !== undefined && { detail }) }],
    })
  })

  test('a 416 says how long the content is', async () => {
    await using pair = await httpPair(failing)
    expect((await get(pair, '/range')).headers['content-range']).toBe('bytes */7')
  })

  test('that are unexpected are 500, logged once, and keep the secret', async () => {
    await using pair = await httpPair(failing)
    const bug = await get(pair, '/bug')
    expect(bug.status).toBe(500)
    expect(bug.text).not.toContain('secret')
    expect((await get(pair, '/silent')).status).toBe(500)
    const errors = pair.logger.lines.filter(({ level }) => level === 'error')
    expect(errors.map(({ fields: { route: pattern } }) => pattern)).toEqual(['/bug', '/silent'])
  })

  test('drop headers of the answer that was not to be', async () => {
    await using pair = await httpPair([
      route(['GET'], '/a', ({ res }) => {
        res.setHeader('docker-content-digest', 'sha256:00')
        throw appError('NOT_FOUND')
      }),
    ])
    expect((await get(pair, '/a')).headers).not.toHaveProperty('docker-content-digest')
  })

  test('before the first byte of a stream are still answered', async () => {
    await using pair = await httpPair([
      route(['GET'], '/a', async (exchange) => {
        const body = new Readable({ read: () => body.destroy(appError('BACKEND_UNAVAILABLE')) })
        await sendStream(exchange, { status: 200, headers: {}, body })
      }),
    ])
    expect((await get(pair, '/a')).json()).toMatchObject({ error: { code: 'BACKEND_UNAVAILABLE' } })
  })

  test('after it cut the connection, so that the client cannot take a part for the whole', async () => {
    await using pair = await httpPair([
      route(['GET'], '/a', async (exchange) => {
        const failing = async function* () {
          yield Buffer.from('half')
          throw appError('STALLED')
        }
        await sendStream(exchange, { status: 200, headers: {}, body: Readable.from(failing()) })
      }),
    ])
    await expect(get(pair, '/a')).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    expect(pair.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ route: '/a' }) }),
    )
  })
})

describe('rights', () => {
  const routes = [
    {
      ...route(['GET'], '/read', (exchange) => sendJson(exchange, 200, exchange.principal.name)),
      right: 'read' as const,
    },
    { ...route(['GET'], '/write', (exchange) => sendEmpty(exchange, 204)), right: 'write' as const },
    route(['GET'], '/open', (exchange) => sendEmpty(exchange, 204)),
  ]

  test('a caller without a secret is asked for one, and the right secret is accepted', async () => {
    await using pair = await httpPair(routes, {
      authenticate: secretAuthenticator({ secrets: accepting({ push: 't' }), anonymous: 'read' }),
    })
    expect((await get(pair, '/open', { authorization: 'Bearer wrong' })).status).toBe(204)
    expect((await get(pair, '/read')).json()).toBe('anonymous')
    const refused = await get(pair, '/write')
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer realm="shoal"'])
    expect((await get(pair, '/read', { authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await get(pair, '/write', { authorization: 'Bearer t' })).status).toBe(204)
  })

  test('a known caller without the right is denied', async () => {
    await using pair = await httpPair(routes, { authenticate: () => ({ name: 'reader', rights: ['read'] }) })
    expect((await get(pair, '/write')).json()).toMatchObject({ error: { code: 'DENIED' } })
  })

  test('a registry asks in the way docker understands', async () => {
    await using pair = await httpPair(routes, {
      authenticate: secretAuthenticator({ secrets: accepting({ admin: 't' }) }),
      server: { envelope: 'registry' },
    })
    expect((await get(pair, '/read')).headers['www-authenticate']).toBe('Basic realm="shoal"')
  })
})

describe('logs and metrics of requests', () => {
  test('the request id of the caller is echoed; one that could forge a log line is replaced', async () => {
    await using pair = await httpPair([route(['GET'], '/a', (exchange) => sendJson(exchange, 200, exchange.requestId))])
    const sane = await get(pair, '/a', { 'x-request-id': 'abc-1.2' })
    expect([sane.headers['x-request-id'], sane.json()]).toEqual(['abc-1.2', 'abc-1.2'])
    for (const given of ['a b', '"', 'x'.repeat(65)]) {
      const answer = await get(pair, '/a', { 'x-request-id': given })
      expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/)
    }
  })

  test('logs and counts by pattern, never by path or query', async () => {
    await using pair = await httpPair([route(['GET'], '/blobs/:digest', (exchange) => sendEmpty(exchange, 200))])
    await get(pair, '/blobs/sha256:beef?token=secret')
    await get(pair, '/other/secret')
    await pair.server.stop()
    const labels = { listener: 'test', method: 'GET' }
    const requests = 'shoal_http_requests_total'
    expect(pair.metrics.value(requests, { ...labels, route: '/blobs/:digest', status: '200' })).toBe(1)
    expect(pair.metrics.value(requests, { ...labels, route: 'unmatched', status: '404' })).toBe(1)
    expect(pair.metrics.value('shoal_http_request_seconds', { listener: 'test', route: '/blobs/:digest' })).toBe(1)
    const text = JSON.stringify(pair.logger.lines)
    expect(text).toContain('"request ended"')
    expect(text).not.toMatch(/secret|beef/)
  })
})

describe('a client that goes', () => {
  test('fires the signal, ends the source, and is no error in the log', async () => {
    const started = deferred()
    const closed = deferred()
    const ended = deferred()
    const body = new Readable({ read: () => undefined })
    body.once('close', () => closed.resolve())
    await using pair = await httpPair([
      route(['GET'], '/a', async (exchange) => {
        exchange.signal.addEventListener('abort', () => ended.resolve(), { once: true })
        started.resolve()
        await sendStream(exchange, { status: 200, headers: {}, body })
      }),
    ])
    const controller = new AbortController()
    const request = pair.client.request({ method: 'GET', url: pair.url('/a'), signal: controller.signal })
    await started.promise
    controller.abort()
    await expect(request).rejects.toMatchObject({ code: 'ABORTED' })
    await Promise.all([closed.promise, ended.promise])
    await pair.server.stop()
    expect(pair.logger.lines.filter(({ level }) => level !== 'debug' && level !== 'info')).toEqual([])
  })
})

describe('opsRoutes', () => {
  test('tell that the process lives, whether it can serve, and its metrics', async () => {
    const metrics = prometheusMetrics()
    metrics.counter({ name: 'shoal_x_total', help: 'X.' })
    let missing: string | undefined = 'no origin answers'
    const notes: { store?: string } = {}
    await using pair = await httpPair(
      opsRoutes({
        metrics,
        checks: { origins: () => missing, disk: () => undefined },
        notes: { store: () => notes.store },
      }),
    )
    expect((await get(pair, '/healthz')).status).toBe(200)
    const unready = await get(pair, '/readyz')
    expect([unready.status, unready.json()]).toEqual([
      503,
      { status: 'not ready', missing: { origins: 'no origin answers' } },
    ])
    missing = undefined
    expect((await get(pair, '/readyz')).json()).toEqual({ status: 'ready' })
    notes.store = 'it is away'
    const ready = await get(pair, '/readyz')
    expect([ready.status, ready.json()]).toEqual([200, { status: 'ready', notes: { store: 'it is away' } }])
    const exposed = await get(pair, '/metrics')
    expect(exposed.headers['content-type']).toMatch(/^text\/plain/)
    expect(exposed.text).toContain('shoal_x_total 0')
  })
})
