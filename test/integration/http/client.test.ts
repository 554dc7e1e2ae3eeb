import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { appError, deferred, fakeClock } from '../../../lib/base/index.ts'
import {
  errorFromResponse,
  type HttpClientInit,
  httpClient,
  readBytes,
  sendBytes,
  sendEmpty,
  sendJson,
} from '../../../lib/http/index.ts'
import { httpPair, route } from '../../kit/http-pair.ts'

/** A client and a plain server, for answers that our own server never gives. */
const against = async (listener: RequestListener, init: HttpClientInit = {}) => {
  const clock = fakeClock()
  const client = httpClient({ clock }, init)
  const server = createServer(listener)
  const connections: unknown[] = []
  server.on('connection', (socket) => connections.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    client,
    clock,
    connections,
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      await client.stop()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const silentServer: RequestListener = () => undefined

/** Lets the event loop run `count` turns. */
const rounds = async (count: number) => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('a request', () => {
  test('reaches a name that it has reached before while no name server answers', async () => {
    await using it = await against((_req, res) => res.setHeader('connection', 'close').end())
    let isAway = false
    const lookup: LookupFunction = (_host, _options, done) => {
      if (isAway) done(Object.assign(new Error('no answer'), { code: 'EAI_AGAIN' }), '')
      else done(null, [{ address: '127.0.0.1', family: 4 }])
    }
    const client = httpClient({ clock: it.clock, lookup })
    const { port } = new URL(it.url)
    const ask = async (host: string) => {
      const { status, body } = await client.request({ method: 'GET', url: `http://${host}:${port}/` })
      await body.toArray()
      return status
    }
    try {
      expect(await ask('origin-0.test')).toBe(200)
      isAway = true
      expect(await ask('origin-0.test')).toBe(200)
      await expect(ask('origin-1.test')).rejects.toMatchObject({ code: 'PEER_CLOSED' })
      expect(it.connections).toHaveLength(2)
    } finally {
      await client.stop()
    }
  })

  test('carries method, headers, body and the token, and any status is an answer', async () => {
    await using pair = await httpPair(
      [
        route(['PUT'], '/a', async (exchange) => {
          const { authorization, 'accept-encoding': encoding, 'x-own': own } = exchange.req.headers
          const body = Buffer.from(await readBytes(exchange, 100)).toString()
          sendJson(exchange, 409, { authorization, encoding, own, body, query: exchange.req.url })
        }),
      ],
      { client: { token: 't' } },
    )
    const ask = async (headers: Record<string, string>) => {
      const body = Buffer.from('hello')
      const response = await pair.client.request({ method: 'PUT', url: pair.url('/a?b=%20'), headers, body })
      expect(response.status).toBe(409)
      return response.json(1000)
    }
    expect(await ask({ 'X-Own': '1' })).toEqual({
      authorization: 'Bearer t',
      encoding: 'identity',
      own: '1',
      body: 'hello',
      query: '/a?b=%20',
    })
    expect(await ask({ Authorization: 'Basic x' })).toMatchObject({ authorization: 'Basic x' })
    expect(pair.clock.pending).toBe(0)
  })

  test('never follows a redirect, never decompresses, joins repeated headers', async () => {
    await using plain = await against((_, res) => {
      res.writeHead(307, { location: '/elsewhere', 'content-encoding': 'gzip', link: ['a', 'b'] })
      res.end('not gzip')
    })
    const response = await plain.client.request({ method: 'GET', url: plain.url })
    const { location, link } = response.headers
    expect([response.status, location, link]).toEqual([307, '/elsewhere', 'a, b'])
    expect(Buffer.from(await response.bytes(100)).toString()).toBe('not gzip')
  })

  test('uses a connection again once the answer was read or thrown away', async () => {
    await using plain = await against((_, res) => void res.end('x'.repeat(10_000)))
    for (let i = 0; i < 5; i += 1) {
      const response = await plain.client.request({ method: 'GET', url: plain.url })
      await (i % 2 === 0 ? response.discard() : response.bytes(10_000))
    }
    expect(plain.connections.length).toBeLessThan(3)
  })

  test('waits for a connection above the cap', async () => {
    const both = deferred()
    const held: ServerResponse[] = []
    let gateOpen = false
    await using plain = await against(
      (_, res) => {
        held.push(res)
        if (held.length === 2) both.resolve()
        if (gateOpen) res.end()
      },
      { connectionsPerOrigin: 2 },
    )
    const ask = async () => (await plain.client.request({ method: 'GET', url: plain.url })).discard()
    const all = Array.from({ length: 6 }, ask)
    await both.promise
    await rounds(20)
    expect(held).toHaveLength(2)
    gateOpen = true
    for (const res of [...held]) res.end()
    await Promise.all(all)
    expect([held.length, plain.connections.length]).toEqual([6, 2])
  })
})

describe('failures', () => {
  test('a refused connection, an unknown host and a reset are PEER_CLOSED', async () => {
    await using plain = await against((req) => req.socket.destroy())
    const ask = (url: string) => plain.client.request({ method: 'GET', url })
    await expect(ask(plain.url)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await expect(ask('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    await expect(ask('http://no-such-host.invalid/')).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    expect(plain.clock.pending).toBe(0)
  })

  test('a malformed URL is REQUEST_INVALID', async () => {
    await using plain = await against(silentServer)
    await expect(plain.client.request({ method: 'GET', url: 'zzz' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  })

  test('no header in time is REQUEST_TIMEOUT, and 0 waits for ever', async () => {
    const arrived = [deferred(), deferred()]
    let count = 0
    await using plain = await against(() => arrived[count++]?.resolve())
    const late = plain.client.request({ method: 'GET', url: plain.url, headersTimeoutMs: 500 })
    const failed = expect(late).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' })
    await arrived[0]?.promise
    await plain.clock.advance(499)
    expect(plain.clock.pending).toBe(1)
    await plain.clock.advance(1)
    await failed
    const patient = plain.client.request({ method: 'GET', url: plain.url, headersTimeoutMs: 0 })
    await arrived[1]?.promise
    expect(plain.clock.pending).toBe(0)
    const cut = expect(patient).rejects.toMatchObject({ code: 'ABORTED' })
    await plain.client.stop()
    await cut
  })

  test('an answer that pauses too long is STALLED, but not while its reader holds it back', async () => {
    const size = 2 * 1024 * 1024
    await using plain = await against((_, res) => void res.writeHead(200).write(Buffer.alloc(size)))
    const { body } = await plain.client.request({ method: 'GET', url: plain.url, idleTimeoutMs: 1000 })
    while (body.readableLength < body.readableHighWaterMark) await rounds(1)
    await plain.clock.advance(5000)
    expect(body.destroyed).toBe(false)
    let received = 0
    const all = deferred()
    body.on('data', (chunk: Uint8Array) => {
      received += chunk.byteLength
      if (received === size) all.resolve()
    })
    await all.promise
    await plain.clock.advance(999)
    expect(body.destroyed).toBe(false)
    await plain.clock.advance(1)
    expect(body.errored).toMatchObject({ code: 'STALLED' })
    expect(plain.clock.pending).toBe(0)
  })

  test('of a body without listeners do not end the process, and reach a later reader', async () => {
    await using plain = await against((_, res) => void res.writeHead(200, { 'content-length': 10 }).write('half!'))
    const response = await plain.client.request({ method: 'GET', url: plain.url, idleTimeoutMs: 1000 })
    await plain.clock.advance(1000)
    await expect(response.bytes(100)).rejects.toMatchObject({ code: 'STALLED' })
  })

  test('an answer cut short is PEER_CLOSED, never a silent end', async () => {
    await using plain = await against((_, res) => {
      res.writeHead(200, { 'content-length': 10 })
      res.write('half!', () => res.destroy())
    })
    const response = await plain.client.request({ method: 'GET', url: plain.url })
    await expect(response.bytes(100)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
  })

  test('more than the limit is BODY_TOO_LARGE, and no JSON is BODY_INVALID', async () => {
    await using plain = await against((_, res) => void res.end('123456 no json'))
    const ask = () => plain.client.request({ method: 'GET', url: plain.url })
    await expect((await ask()).bytes(5)).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
    await expect((await ask()).json(100)).rejects.toMatchObject({ code: 'BODY_INVALID' })
  })
})

describe('an abort', () => {
  test('before, during the wait, and during the body', async () => {
    const arrived = deferred()
    await using plain = await against((req, res) => {
      if (req.url === '/body') res.write('first')
      else arrived.resolve()
    })
    const early = { method: 'GET', url: plain.url, signal: AbortSignal.abort() } as const
    await expect(plain.client.request(early)).rejects.toMatchObject({ code: 'ABORTED' })

    const waiting = new AbortController()
    const request = plain.client.request({ method: 'GET', url: plain.url, signal: waiting.signal })
    await arrived.promise
    waiting.abort()
    await expect(request).rejects.toMatchObject({ code: 'ABORTED' })

    const reading = new AbortController()
    const response = await plain.client.request({ method: 'GET', url: `${plain.url}body`, signal: reading.signal })
    const bytes = response.bytes(100)
    reading.abort()
    await expect(bytes).rejects.toMatchObject({ code: 'ABORTED' })
    expect(plain.clock.pending).toBe(0)
  })

  test('destroying the body closes the connection', async () => {
    const closed = deferred()
    await using plain = await against((_, res) => {
      res.once('close', () => closed.resolve())
      res.write('first')
    })
    const response = await plain.client.request({ method: 'GET', url: plain.url })
    response.body.destroy()
    await closed.promise
    expect(plain.clock.pending).toBe(0)
  })

  test('a stopped client cuts what runs, also on a connection that was made while another one closed', async () => {
    await using plain = await against((req, res) => {
      if (req.method === 'HEAD') res.writeHead(200, { connection: 'close' }).end()
      else res.writeHead(200).write('first')
    })
    await (await plain.client.request({ method: 'HEAD', url: plain.url })).discard()
    const { body } = await plain.client.request({ method: 'GET', url: plain.url })
    const failed = new Promise((resolve) => body.once('error', resolve))
    await plain.client.stop()
    expect(await failed).toMatchObject({ code: 'ABORTED' })
  })

  test('a stopped client refuses, and a started one works again', async () => {
    await using plain = await against((_, res) => void res.end())
    const ask = () => plain.client.request({ method: 'GET', url: plain.url })
    await plain.client.stop()
    await expect(ask()).rejects.toMatchObject({ code: 'ABORTED' })
    await plain.client.start()
    expect((await ask()).status).toBe(200)
  })
})

describe('a streamed body', () => {
  const upload = route(['PUT'], '/upload', async (exchange) => {
    const body = await readBytes(exchange, 1_000_000)
    sendBytes(exchange, { status: 201, body })
  })

  test('arrives whole', async () => {
    await using pair = await httpPair([upload])
    const body = Readable.from([Buffer.from('one '), Buffer.from('two')])
    const response = await pair.client.request({ method: 'PUT', url: pair.url('/upload'), body })
    expect(Buffer.from(await response.bytes(100)).toString()).toBe('one two')
  })

  test('that pauses is not a late answer; an answer is late that does not follow its end', async () => {
    const begun = deferred()
    const ended = deferred()
    await using plain = await against((req) => {
      begun.resolve()
      req.resume().on('end', ended.resolve)
    })
    const body = new PassThrough()
    body.write('x')
    const request = plain.client.request({ method: 'PUT', url: plain.url, body, headersTimeoutMs: 1000 })
    const failed = expect(request).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' })
    await begun.promise
    await plain.clock.advance(5000)
    body.end('y')
    await ended.promise
    expect(plain.clock.pending).toBe(1)
    await plain.clock.advance(999)
    expect(plain.clock.pending).toBe(1)
    await plain.clock.advance(1)
    await failed
  })

  test('whose source fails is the failure of the source', async () => {
    await using pair = await httpPair([upload])
    const failing = async function* () {
      yield Buffer.from('half')
      throw appError('STORE_CORRUPT')
    }
    const request = pair.client.request({ method: 'PUT', url: pair.url('/upload'), body: Readable.from(failing()) })
    await expect(request).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  test.each([
    ['the server refuses early', '/early'],
    ['nobody listens', undefined],
  ])('is closed when %s', async (_, path) => {
    await using pair = await httpPair([route(['PUT'], '/early', (exchange) => sendEmpty(exchange, 507))])
    const body = new PassThrough()
    body.write('first')
    const url = path === undefined ? 'http://127.0.0.1:1/' : pair.url(path)
    await pair.client
      .request({ method: 'PUT', url, body })
      .then((response) => response.discard())
      .catch(() => undefined)
    expect(body.destroyed).toBe(true)
  })
})

describe('errorFromResponse', () => {
  test.each([
    [
      404,
      '{"error":{"code":"BLOB_UNKNOWN","message":"gone","detail":{"a":1}}}',
      { code: 'BLOB_UNKNOWN', message: 'gone', detail: { a: 1 } },
    ],
    [
      503,
      '{"errors":[{"code":"UNAVAILABLE","message":"m","detail":{"code":"STORE_FULL"}}]}',
      { code: 'STORE_FULL', message: 'm' },
    ],
    [
      404,
      '{"errors":[{"code":"NAME_UNKNOWN","message":"m"}]}',
      { code: 'NAME_UNKNOWN', message: 'm', detail: undefined },
    ],
    [404, '{"error":{"code":"NEWER_CODE","message":"m"}}', { code: 'NOT_FOUND', detail: { status: 404 } }],
    [502, '<html>', { code: 'UNAVAILABLE', detail: { status: 502 } }],
    [401, '', { code: 'UNAUTHORIZED' }],
    [418, 'null', { code: 'UNKNOWN' }],
    [500, '{"error":{"code":"toString"}}', { code: 'UNAVAILABLE' }],
    [500, 'x'.repeat(100_000), { code: 'UNAVAILABLE' }],
  ])('a %p with %p', async (status, text, expected) => {
    await using plain = await against((_, res) => void res.writeHead(status).end(text))
    const response = await plain.client.request({ method: 'GET', url: plain.url })
    await expect(errorFromResponse(response)).resolves.toMatchObject(expected)
  })

  test('names the code also where an answer has no body', async () => {
    await using pair = await httpPair([
      route(['HEAD'], '/', () => Promise.reject(appError('BACKEND_CORRUPT', { detail: { size: 7 } }))),
    ])
    const response = await pair.client.request({ method: 'HEAD', url: pair.url('/') })
    await expect(errorFromResponse(response)).resolves.toMatchObject({ code: 'BACKEND_CORRUPT' })
  })
})
