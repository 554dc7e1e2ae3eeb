import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { codeOf, deferred } from '../../../lib/base/index.ts'
import { type LoadLimits, readBytes, sendEmpty, sendJson, sendStream } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'

/** Clients that go, or do not read, while their connection still owes them something. */

const MIB = 1024 * 1024
const CONNECT = 'CONNECT other.test:443 HTTP/1.1\r\nhost: other.test\r\n\r\n'
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`
const post = (length: number, more = '') =>
  `POST /refused HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n${more}\r\n`

const refused = route(['POST'], '/refused', (exchange) => sendJson(exchange, 403, 'no'))

/** Requests for `/wait` wait until the client goes. */
function waiting() {
  const begun: string[] = []
  const aborted: string[] = []
  const wait = route(['GET'], '/wait', async ({ signal }) => {
    begun.push('wait')
    await once(signal, 'abort')
    aborted.push(codeOf(signal.reason) ?? '')
    throw signal.reason
  })
  return { wait, begun, aborted }
}

async function open({ server }: HttpPair, bytes: string): Promise<Socket> {
  const socket = connect({ ...server.address, allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

/** What comes until the connection has ended, and the error that it ended with. */
async function allOf(socket: Socket) {
  let received = ''
  let code: string | undefined
  socket
    .on('data', (chunk) => (received += chunk.toString('latin1')))
    .on('error', (err) => (code = codeOf(err) ?? 'unknown'))
  await new Promise<void>((resolve) => socket.once('end', resolve).once('close', () => resolve()))
  return { received, code }
}

const endedIn = ({ logger }: HttpPair) => logger.lines.filter(({ message }) => message === 'request ended').length

describe.each([
  ['breaks', (socket: Socket) => socket.resetAndDestroy()],
  ['ends', (socket: Socket) => socket.destroy()],
])('a client %s', (_what, leave) => {
  test.each([
    ['one request', 1, get('/wait')],
    ['requests in a queue', 20, get('/wait').repeat(20)],
    ['a request with CONNECT behind it', 1, get('/wait') + CONNECT],
    ['a queue with CONNECT behind it', 3, get('/wait').repeat(3) + CONNECT],
    ['a queue with nonsense behind it', 3, `${get('/wait').repeat(3)}nonsense\r\n\r\n`],
  ])('after %s: every handler is told, and nothing stays', async (_case, count, bytes) => {
    const { wait, begun, aborted } = waiting()
    await using pair = await httpPair([wait])
    const socket = await open(pair, bytes)
    await eventually(() => expect(begun).toHaveLength(count))
    leave(socket)
    await eventually(() => expect(aborted).toEqual(Array.from({ length: count }, () => 'ABORTED')))
    await eventually(() => expect(endedIn(pair)).toBe(count))
  })

  test('after a queue of which some wait for a place: every place is free again', async () => {
    const { wait, begun, aborted } = waiting()
    const load: LoadLimits = { loadOf: () => 'downloads', max: { uploads: 1, downloads: 4 }, clientShare: 1 }
    await using pair = await httpPair([wait], { server: { load } })
    const socket = await open(pair, get('/wait').repeat(6))
    await eventually(() => expect(begun).toHaveLength(4))
    leave(socket)
    await eventually(() => expect(endedIn(pair)).toBe(6))
    expect([begun.length, aborted.length]).toEqual([4, 4])
    const next = await open(pair, get('/wait').repeat(4))
    await eventually(() => expect(begun).toHaveLength(8))
    leave(next)
  })

  test('in the middle of a body that is already answered: no timer stays', async () => {
    await using pair = await httpPair([refused])
    const socket = await open(pair, `${post(MIB)}some`)
    await once(socket, 'data')
    await eventually(() => expect(pair.clock.pending).toBe(1))
    leave(socket)
    await eventually(() => expect(pair.clock.pending).toBe(0))
  })
})

test('stopping cuts a CONNECT behind a request that never ends', async () => {
  const begun = deferred()
  const end = deferred()
  const pair = await httpPair([
    route(['GET'], '/deaf', async (exchange) => {
      begun.resolve()
      await end.promise
      sendEmpty(exchange, 204)
    }),
  ])
  const socket = await open(pair, get('/deaf') + CONNECT)
  await begun.promise
  const ended = allOf(socket)
  const stopped = pair.server.stop()
  await pair.clock.advance(10_000)
  await pair.clock.advance(1_000)
  await stopped
  await ended
  end.resolve()
  await pair[Symbol.asyncDispose]()
})

test('a CONNECT behind an answer does not halt it at a client that reads slowly', async () => {
  await using pair = await httpPair([
    route(['GET'], '/large', (exchange) => {
      const body = Readable.from(
        Array.from({ length: 32 }, () => Buffer.alloc(MIB, 'x')),
        { objectMode: false },
      )
      return sendStream(exchange, { status: 200, headers: { 'content-length': 32 * MIB }, body })
    }),
  ])
  const socket = await open(pair, get('/large') + CONNECT)
  await once(socket, 'readable')
  const { received } = await allOf(socket)
  expect(received.length).toBeGreaterThan(32 * MIB)
  expect(received).toContain('HTTP/1.1 405 ')
})

test('stopping does not cut the end of an answer that a slow client has not taken yet', async () => {
  const begun = deferred()
  await using pair = await httpPair([
    route(['GET'], '/large', ({ res }) => {
      res.end(Buffer.alloc(32 * MIB, 'x'))
      begun.resolve()
    }),
  ])
  const socket = await open(pair, get('/large'))
  await begun.promise
  const stopped = pair.server.stop()
  const { received } = await allOf(socket)
  expect(received.length).toBeGreaterThan(32 * MIB)
  await stopped
})

test.each([
  ['connection: close', post(6 * MIB, 'connection: close\r\n')],
  ['HTTP/1.0', post(6 * MIB).replace('HTTP/1.1', 'HTTP/1.0')],
  ['a chunk without a size', `${post(0).replace('content-length: 0', 'transfer-encoding: chunked')}zz\r\n`],
])('a client that sends everything before it reads is not reset: %s', async (_what, head) => {
  const read = route(['POST'], '/refused', async (exchange) => {
    if (exchange.req.headers['content-length'] === undefined) await readBytes(exchange, MIB)
    sendJson(exchange, 403, 'no')
  })
  await using pair = await httpPair([read])
  const socket = await open(pair, head)
  await new Promise((resolve) => socket.write(Buffer.alloc(6 * MIB), resolve))
  const { received, code } = await allOf(socket)
  expect(code).toBeUndefined()
  expect(received).toMatch(/^HTTP\/1\.1 40[03] /)
})

test('our own client gets every answer, and no later request meets a connection that is being closed', async () => {
  await using pair = await httpPair([refused, route(['GET'], '/', (exchange) => sendEmpty(exchange, 204))], {
    client: { connectionsPerOrigin: 2 },
  })
  const statuses: number[] = []
  for (const size of [10, 3, 10, 9, 1, 10, 12, 10]) {
    for (const request of [
      { method: 'POST', url: pair.url('/refused'), body: Buffer.alloc(size * MIB) },
      { method: 'GET', url: pair.url('/') },
    ] as const) {
      const { status, body } = await pair.client.request(request)
      statuses.push(status)
      await body.resume().toArray()
    }
  }
  expect(statuses).toEqual(Array.from({ length: 8 }, () => [403, 204]).flat())
})
