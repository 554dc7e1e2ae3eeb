import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from '@jest/globals'
import { digestOf } from '../../lib/core/index.ts'
import { sendEmpty } from '../../lib/http/index.ts'
import { eventually } from '../kit/eventually.ts'
import { httpPair, route } from '../kit/http-pair.ts'
import { registryClient } from '../kit/registry-client.ts'
import { startTopology } from '../kit/topology.ts'

/** Somebody who sends slowly, and much at the same time. */

const dialledSockets = new Set<Socket>()

afterEach(() => {
  for (const socket of dialledSockets) socket.destroy()
  dialledSockets.clear()
})

/** A raw connection; what it is answered is kept. */
async function dial(url: string, from = '127.0.0.1') {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect({ host: hostname, port: Number(port), localAddress: from })
  const dialled = { socket, answer: '' }
  dialledSockets.add(socket)
  socket.setEncoding('latin1').on('data', (text: string) => {
    dialled.answer += text
  })
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  return dialled
}

describe('the body of a request', () => {
  async function bodyLab() {
    let came = 0
    const take = route(['POST'], '/body', async (exchange) => {
      for await (const chunk of exchange.body) came += chunk.byteLength
      sendEmpty(exchange, 201)
    })
    const pair = await httpPair([take])
    const answered = await dial(pair.server.url)
    const { socket } = answered
    const send = async (bytes: number) => {
      const expected = came + bytes
      socket.write(Buffer.alloc(bytes))
      await eventually(() => expect(came).toBe(expected))
    }
    const begin = (length: number) =>
      socket.write(`POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`)
    return { pair, socket, answered, send, begin, came: () => came }
  }

  test('that drips is refused after a minute, and its connection is closed', async () => {
    const { pair, socket, answered, send, begin } = await bodyLab()
    await using closing = pair
    begin(1000)
    await send(1)
    await closing.clock.advance(30_000)
    await send(1)
    await closing.clock.advance(30_000)
    await eventually(() =>
      expect(answered.answer).toMatch(/^HTTP\/1.1 408 [\s\S]*connection: close[\s\S]*BODY_TOO_SLOW/i),
    )
    expect(pair.metrics.value('shoal_http_limited_total', { listener: 'test', limit: 'slow_body' })).toBe(1)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await closing.clock.advance(10_000)
    await closed
  })

  test('that is slow and goes on is taken, however long it takes', async () => {
    const { pair, answered, send, begin } = await bodyLab()
    await using closing = pair
    const [steps, bytes] = [30, 17 * 1024]
    begin(steps * bytes)
    for (let step = 0; step < steps; step += 1) {
      await send(bytes)
      await closing.clock.advance(59_000)
    }
    await eventually(() => expect(answered.answer).toMatch(/^HTTP\/1.1 201 /))
  })

  test('is not slow while it is we who do not read', async () => {
    const reading: { goOn: () => void } = { goOn: () => undefined }
    const take = route(['POST'], '/body', async (exchange) => {
      for await (const chunk of exchange.body) {
        expect(chunk).toHaveLength(1)
        await new Promise<void>((resolve) => {
          reading.goOn = resolve
        })
      }
      sendEmpty(exchange, 201)
    })
    await using pair = await httpPair([take])
    const dialled = await dial(pair.server.url)
    const { socket } = dialled
    socket.write('POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nx')
    const asked = reading.goOn
    await eventually(() => expect(reading.goOn).not.toBe(asked))
    await pair.clock.advance(600_000)
    socket.write('y')
    reading.goOn()
    await eventually(() => {
      reading.goOn()
      expect(dialled.answer).toMatch(/^HTTP\/1.1 201 /)
    })
  })
})

test('uploads that hang do not keep short requests from the same service, and who finds no connection is told at once', async () => {
  const bodies: Readable[] = []
  const hang = route(['PATCH'], '/hang', async (exchange) => {
    for await (const chunk of exchange.body) expect(chunk).toHaveLength(1)
    sendEmpty(exchange, 200)
  })
  const ping = route(['GET'], '/ping', (exchange) => sendEmpty(exchange, 204))
  const connectionsPerOrigin = { control: 1, upload: 2, download: 1 }
  await using pair = await httpPair([hang, ping], { client: { connectionsPerOrigin, maxWaiting: 1 } })
  const controller = new AbortController()
  const { signal } = controller
  const upload = () => {
    const body = new Readable({ read: () => undefined })
    body.push('x')
    bodies.push(body)
    return pair.client.request({ method: 'PATCH', url: pair.url('/hang'), body, lane: 'upload', signal })
  }
  const hanging = [upload(), upload(), upload()].map((each) => expect(each).rejects.toMatchObject({ code: 'ABORTED' }))
  await expect(upload()).rejects.toMatchObject({ code: 'CONNECTIONS_BUSY' })
  expect((await pair.client.request({ method: 'GET', url: pair.url('/ping') })).status).toBe(204)
  controller.abort()
  await Promise.all(hanging)
  for (let i = 0; i < 5; i += 1) {
    const body = Readable.from(['x'])
    const request = { method: 'PATCH', url: pair.url('/hang'), body, lane: 'upload' } as const
    const answer = await pair.client.request(request)
    await answer.discard()
    expect(answer.status).toBe(200)
  }
})

test('an answer that has come whole keeps no place, also where nobody reads it', async () => {
  const ping = route(['GET'], '/ping', (exchange) => sendEmpty(exchange, 204))
  await using pair = await httpPair([ping], { client: { connectionsPerOrigin: 1, maxWaiting: 1 } })
  for (let i = 0; i < 5; i += 1) {
    expect((await pair.client.request({ method: 'GET', url: pair.url('/ping') })).status).toBe(204)
  }
})

test('who uploads slowly over all connections keeps nobody else from pushing and pulling', async () => {
  await using shoal = await startTopology({
    ...{ agents: 0, origins: 1, trackers: 1, processes: [] },
    overrides: ['proxy.registry.maxUploads=20', 'proxy.registry.maxDownloads=20'],
  })
  const proxy = shoal.url('proxy-1', 'registry')
  const [attacker, honest] = ['127.0.0.2', '127.0.0.3'].map((from) => registryClient(proxy, { from }))
  const slow = await Promise.all(
    Array.from({ length: 60 }, async () => {
      const opened = await attacker!.send('POST', '/v2/x/blobs/uploads/')
      const dialled = await dial(proxy, '127.0.0.2')
      dialled.socket.write(`PATCH ${opened.headers.location ?? ''} HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nx`)
      return dialled
    }),
  )
  await eventually(() => {
    const refused = slow.filter(({ answer }) => answer.startsWith('HTTP/1.1 503'))
    expect(refused.length).toBeGreaterThanOrEqual(45)
    expect(refused[0]?.answer).toMatch(/retry-after: 5/i)
  })
  const content = Buffer.from('honest')
  const digest = digestOf(content)
  expect((await honest!.pushBlob('team/app', digest, content)).status).toBe(201)
  expect((await honest!.send('GET', `/v2/team/app/blobs/${digest}`)).body).toEqual(content)
  expect((await attacker!.send('GET', '/v2/')).status).toBe(200)
  const refusals = await shoal.counter('proxy-1', 'shoal_http_limited_total', 'limit="uploads"')
  expect(refusals).toBeGreaterThanOrEqual(45)
})
