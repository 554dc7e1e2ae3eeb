import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { codeOf, deferred } from '../../../lib/base/index.ts'
import { sendEmpty, sendStream } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { httpPair, route } from '../../kit/http-pair.ts'

/** A handler that waits at a gate; it tells when it was entered, and with which signal. */
const gated = () => {
  const entered = deferred<AbortSignal>()
  const gate = deferred()
  const gatedRoute = route(['GET'], '/gated', async (exchange) => {
    entered.resolve(exchange.signal)
    await gate.promise
    sendEmpty(exchange, 200)
  })
  return { entered, gate, routes: [gatedRoute, route(['GET'], '/', (exchange) => sendEmpty(exchange, 200))] }
}

describe('start', () => {
  test('names the address that is taken', async () => {
    await using first = await httpPair([])
    const { host, port } = first.server.address
    await expect(httpPair([], { server: { bind: { host, port } } })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
  })

  test('says when the address cannot be had', async () => {
    await expect(httpPair([], { server: { bind: { host: '192.0.2.1', port: 0 } } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('192.0.2.1:0'),
    })
  })
})

describe('stop', () => {
  test('finishes what is under way and closes idle connections at once', async () => {
    const { entered, gate, routes } = gated()
    await using pair = await httpPair(routes)
    await (await pair.client.request({ method: 'GET', url: pair.url('/') })).discard()
    const underWay = pair.client.request({ method: 'GET', url: pair.url('/gated') })
    const signal = await entered.promise
    const stopped = pair.server.stop()
    await expect(pair.client.request({ method: 'GET', url: pair.url('/') })).rejects.toMatchObject({
      code: 'PEER_CLOSED',
    })
    expect(signal.aborted).toBe(false)
    gate.resolve()
    expect((await underWay).status).toBe(200)
    await stopped
    await pair.server.stop()
    expect(pair.clock.pending).toBe(0)
  })

  test('closes a connection after the request that arrives during the stop', async () => {
    const { entered, gate, routes } = gated()
    await using pair = await httpPair(routes)
    const socket = connect(pair.server.address.port, '127.0.0.1')
    socket.write('GET /gated HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await entered.promise
    const stopped = pair.server.stop()
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    gate.resolve()
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    await once(socket, 'close')
    await stopped
    expect(text.match(/HTTP\/1\.1 200/g)?.length).toBeGreaterThanOrEqual(1)
    expect(text.toLowerCase()).toContain('connection: close')
  })

  test('after the drain time aborts what is left and cuts its connection', async () => {
    const started = deferred()
    const aborted = deferred<unknown>()
    const body = new Readable({ read: () => undefined })
    body.push('first')
    await using pair = await httpPair(
      [
        route(['GET'], '/endless', async (exchange) => {
          exchange.signal.addEventListener('abort', () => aborted.resolve(exchange.signal.reason), { once: true })
          started.resolve()
          await sendStream(exchange, { status: 200, headers: {}, body })
        }),
      ],
      { server: { drainMs: 5000 } },
    )
    const response = await pair.client.request({ method: 'GET', url: pair.url('/endless'), idleTimeoutMs: 0 })
    await started.promise
    const reading = expect(response.bytes(100)).rejects.toMatchObject({ code: 'PEER_CLOSED' })
    const stopped = pair.server.stop()
    await pair.clock.advance(4999)
    expect(body.destroyed).toBe(false)
    await pair.clock.advance(1)
    expect(await aborted.promise).toMatchObject({ code: 'SHUTTING_DOWN' })
    await pair.clock.advance(1000)
    await Promise.all([stopped, reading])
    expect(body.destroyed).toBe(true)
  })

  test('does not wait for a handler that is deaf to the abort', async () => {
    const { entered, gate, routes } = gated()
    await using pair = await httpPair(routes, { server: { drainMs: 10 } })
    const request = pair.client.request({ method: 'GET', url: pair.url('/gated'), headersTimeoutMs: 0 })
    const answer = request.then(() => 'answered', codeOf)
    await entered.promise
    const stopped = pair.server.stop()
    await pair.clock.advance(10)
    await pair.clock.advance(1000)
    let outcome: string | undefined = 'it still waits'
    void Promise.all([answer, stopped]).then(([code]) => {
      outcome = code
    })
    try {
      await eventually(() => expect(outcome).toBe('PEER_CLOSED'))
    } finally {
      gate.resolve()
    }
  })

  test('a handler that obeys the abort is still answered', async () => {
    const entered = deferred()
    await using pair = await httpPair(
      [
        route(['GET'], '/a', async ({ signal }) => {
          entered.resolve()
          await pair.clock.sleep(1_000_000, { signal })
        }),
      ],
      { server: { drainMs: 10 } },
    )
    const request = pair.client.request({ method: 'GET', url: pair.url('/a'), headersTimeoutMs: 0 })
    await entered.promise
    const stopped = pair.server.stop()
    await pair.clock.advance(10)
    const response = await request
    expect(response.status).toBe(503)
    expect(await response.json(1000)).toMatchObject({ error: { code: 'SHUTTING_DOWN' } })
    await stopped
  })

  test('before a start does nothing, and a server can be started again', async () => {
    await using pair = await httpPair([route(['GET'], '/', (exchange) => sendEmpty(exchange, 200))])
    await pair.server.stop()
    await pair.server.start()
    expect((await pair.client.request({ method: 'GET', url: pair.url('/') })).status).toBe(200)
  })
})
