import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { codeOf, deferred, fakeClock } from '../../../lib/base/index.ts'
import { type Envelope, readBytes, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import { lingering } from '../../../lib/http/lingering.ts'
import { oddRequests } from '../../../lib/http/odd-requests.ts'
import { eventually } from '../../kit/eventually.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'

const routes = [
  route(['GET'], '/', (exchange) => sendJson(exchange, 200, 'here')),
  route(['POST'], '/', async (exchange) => {
    await readBytes(exchange, 1000)
    sendEmpty(exchange, 204)
  }),
]

/** Sends bytes; `answers` has all that comes until the listener closes the connection. */
async function talk({ server }: HttpPair, bytes: string | Uint8Array) {
  const socket = connect({ ...server.address, allowHalfOpen: true })
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString('latin1'))).on('error', () => undefined)
  socket.write(bytes)
  const ended = new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()))
  return { socket, answers: ended.then(() => received) }
}

const parsed = (answer: string) => {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = Object.fromEntries(fields.map((field) => field.toLowerCase().split(/: (.*)/s)))
  return { status: Number(line.split(' ')[1]), headers: headers as Record<string, string>, body }
}

const odd = [
  ['a request line that is none', 'nonsense\r\n\r\n', 400, 'REQUEST_INVALID'],
  ['a header without a colon', 'GET / HTTP/1.1\r\nhost localhost\r\n\r\n', 400, 'REQUEST_INVALID'],
  ['a version that nobody speaks', 'GET / HTTP/7.3\r\nhost: localhost\r\n\r\n', 400, 'REQUEST_INVALID'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'REQUEST_INVALID'],
  ['no Host', 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'REQUEST_INVALID'],
  [
    'two Hosts',
    'GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    400,
    'REQUEST_INVALID',
  ],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
    400,
    'REQUEST_INVALID',
  ],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
    'REQUEST_INVALID',
  ],
  [
    'a body whose chunk has no size',
    'POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    400,
    'REQUEST_INVALID',
  ],
  [
    'headers beyond the limit',
    `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(80_000)}\r\n\r\n`,
    431,
    'HEADERS_TOO_LARGE',
  ],
  ['CONNECT', 'CONNECT other.test:443 HTTP/1.1\r\nhost: other.test\r\n\r\n', 405, 'METHOD_NOT_ALLOWED'],
  [
    'an expectation',
    'GET / HTTP/1.1\r\nhost: localhost\r\nexpect: tea\r\nconnection: close\r\n\r\n',
    417,
    'EXPECTATION_FAILED',
  ],
] as const

const bodyOf = (envelope: Envelope, code: string) =>
  envelope === 'own'
    ? { error: expect.objectContaining({ code }) }
    : { errors: [expect.objectContaining({ code: 'UNSUPPORTED' })] }

describe.each(['own', 'registry'] as const)('in the envelope %s', (envelope) => {
  test.each(odd)('%s is answered as every error is, logged and counted', async (what, bytes, status, code) => {
    const reached = what.startsWith('a body') ? '/' : 'unmatched'
    await using pair = await httpPair(routes, { server: { envelope } })
    const { answers } = await talk(pair, bytes)
    const answer = parsed(await answers)
    expect(answer).toMatchObject({
      status,
      headers: {
        'x-request-id': expect.stringMatching(/^[0-9a-f]{16}$/),
        'x-content-type-options': 'nosniff',
        'content-type': 'application/json',
        connection: 'close',
      },
    })
    expect(JSON.parse(answer.body)).toEqual(bodyOf(envelope, code))
    await eventually(() => {
      const ended = pair.logger.lines.filter(({ message }) => message === 'request ended')
      expect(ended).toMatchObject([{ fields: { route: reached, status, whole: true } }])
    })
    const labels = { listener: 'test', route: reached, status: String(status) }
    const counts = ['GET', 'POST', 'other'].map((method) =>
      pair.metrics.value('shoal_http_requests_total', { ...labels, method }),
    )
    expect(counts.sort()).toEqual([0, 0, 1])
    expect(pair.logger.lines).toContainEqual(expect.objectContaining({ message: 'failed to answer a request' }))
  })
})

test('what is malformed after good requests is answered after them', async () => {
  const turn = deferred()
  const asked = deferred()
  await using pair = await httpPair([
    route(['GET'], '/slow', async (exchange) => {
      asked.resolve()
      await turn.promise
      sendJson(exchange, 200, 'slow')
    }),
  ])
  const { answers } = await talk(pair, 'GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\nnonsense\r\n\r\n')
  await asked.promise
  turn.resolve()
  expect((await answers).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
})

test('a client that goes on sending after its refusal is cut after a moment, and one that ends at once', async () => {
  await using pair = await httpPair(routes)
  const { socket, answers } = await talk(pair, 'nonsense\r\n\r\n')
  await answers
  await pair.clock.advance(999)
  expect(socket.destroyed).toBe(false)
  await pair.clock.advance(1)
  await eventually(() => {
    socket.write('more')
    expect(socket.destroyed).toBe(true)
  })
  const polite = await talk(pair, 'nonsense\r\n\r\n')
  await polite.answers
  polite.socket.end()
  await once(polite.socket, 'close')
  await eventually(() => expect(pair.clock.pending).toBe(0))
})

test.each([
  ['ends', 'ABORTED', (socket: Socket) => socket.end()],
  ['breaks', 'ABORTED', (socket: Socket) => socket.resetAndDestroy()],
  ['goes on with nonsense', 'REQUEST_INVALID', (socket: Socket) => socket.write('zz\r\n')],
])('whoever reads a body is told at once when the client %s in the middle of it: %s', async (_what, code, leave) => {
  const begun = deferred()
  const outcome = deferred<unknown>()
  await using pair = await httpPair([
    route(['POST'], '/', async ({ body }) => {
      try {
        let size = 0
        for await (const chunk of body) {
          size += chunk.length
          begun.resolve()
        }
        outcome.resolve(size)
      } catch (err) {
        outcome.resolve(codeOf(err))
        throw err
      }
    }),
  ])
  const { socket } = await talk(
    pair,
    'POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n',
  )
  await begun.promise
  leave(socket)
  expect(await outcome.promise).toBe(code)
})

test('stopping does not wait for a client that was refused', async () => {
  const pair = await httpPair(routes)
  const { answers } = await talk(pair, 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n')
  await answers
  await pair[Symbol.asyncDispose]()
})

test('whatever is sent, nothing is answered past the middleware', async () => {
  await using pair = await httpPair(routes)
  const good = 'POST /?a=1 HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi'
  const change = fc.record({
    at: fc.nat(good.length),
    cut: fc.nat(3),
    put: fc.string({ maxLength: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const bytes = changes.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), good)
      const { socket, answers } = await talk(pair, bytes)
      socket.end()
      const received = (await answers).replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '')
      const begun = received.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0
      expect(received.match(/x-request-id: /g)?.length ?? 0).toBe(begun)
    }),
    { numRuns: 200 },
  )
})

test('a head that comes too late is refused, and its rest is not taken for a request', async () => {
  const refusals: unknown[] = []
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  oddRequests(server, {
    connections: lingering(fakeClock()),
    settle: () => Promise.resolve(),
    refuse(_req, res, err) {
      refusals.push(codeOf(err))
      res.end()
    },
  })
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume()
  const [socket] = (await once(server, 'connection')) as [Socket]
  server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
  await once(socket, 'close')
  expect(refusals).toEqual(['HEAD_TOO_SLOW'])
  client.destroy()
  server.close()
})
