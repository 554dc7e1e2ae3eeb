import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type BalancerTrust, networkRule, remoteAddressOf } from '../../../lib/base/index.ts'
import { clientOf, type HttpServerInit, sendJson } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'
import { proxyHeader } from '../../kit/proxy-header.ts'
import { handHeld, testAuthority, tlsTexts } from '../../kit/tls-authority.ts'

const ours = testAuthority('ours')
const client = { address: '10.20.30.40', port: 5555 }

const whoami = route(['GET'], '/who', (exchange) =>
  sendJson(exchange, 200, { from: remoteAddressOf(exchange.req.socket), client: clientOf(exchange.req) }),
)

const rule = (...cidrs: readonly string[]) => networkRule(cidrs) ?? (() => false)
/** All connections of these tests come from loopback. */
const trusted: BalancerTrust = { balancers: rule('127.0.0.1/32'), direct: rule('127.0.0.2/32') }

let pair: HttpPair | undefined
afterEach(async () => {
  await pair?.[Symbol.asyncDispose]()
  pair = undefined
})

async function behind(server: Partial<HttpServerInit> = {}): Promise<HttpPair> {
  pair = await httpPair([whoami], { server: { balancers: trusted, ...server } })
  return pair
}

const outcomes = ({ metrics }: HttpPair, outcome: string) =>
  metrics.value('shoal_balanced_connections_total', { listener: 'test', outcome })

const request = (connection = 'close') => `GET /who HTTP/1.1\r\nhost: localhost\r\nconnection: ${connection}\r\n\r\n`

const open = (at: HttpPair, from = '127.0.0.1') =>
  connect({ port: at.server.address.port, host: '127.0.0.1', localAddress: from }).on('error', () => undefined)

const closing = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

/** Everything that comes until the connection ends. */
const answerTo = async (socket: Socket, ...parts: readonly (Uint8Array | string)[]) => {
  for (const part of parts) socket.write(part)
  return text(socket)
}

describe('a listener behind balancers', () => {
  test('takes a caller for whom the balancer says that it is', async () => {
    const at = await behind()
    const answer = await answerTo(open(at), proxyHeader(client), request())
    expect(answer).toContain('{"from":"10.20.30.40","client":"10.20.30.40"}')
    expect(outcomes(at, 'stated')).toBe(1)
  })

  test('reads a header that comes byte by byte, and one that comes with a request', async () => {
    const at = await behind()
    const socket = open(at).setNoDelay(true)
    for (const byte of proxyHeader(client, Buffer.alloc(40, 7))) socket.write(Uint8Array.of(byte))
    expect(await answerTo(socket, request())).toContain('"from":"10.20.30.40"')
    const both = Buffer.concat([proxyHeader({ ...client, address: '2001:db8::7' }), Buffer.from(request())])
    expect(await answerTo(open(at), both)).toContain('"from":"2001:db8::7"')
  })

  test('reads it below TLS, and all requests of the connection come from there', async () => {
    const at = await behind({ tls: { material: handHeld(ours.issue(), [ours]), clients: 'off', plainToo: true } })
    const raw = open(at)
    raw.write(proxyHeader(client))
    const { authorities } = tlsTexts(undefined, [ours])
    const secure = connectTls({ socket: raw, ca: [...authorities], host: '127.0.0.1' })
    await once(secure, 'secureConnect')
    const answer = await answerTo(secure, request('keep-alive'), request())
    expect(answer.match(/"from":"10\.20\.30\.40"/g)).toHaveLength(2)
    expect(await answerTo(open(at), proxyHeader(client), request())).toContain('"from":"10.20.30.40"')
  })

  test('answers the balancer itself when it looks whether the service lives', async () => {
    const at = await behind()
    expect(await answerTo(open(at), proxyHeader(undefined), request())).toContain('"from":"127.0.0.1"')
    expect(outcomes(at, 'local')).toBe(1)
  })

  test('takes those who may call past the balancers as they are, and believes no header of theirs', async () => {
    const at = await behind()
    expect(await answerTo(open(at, '127.0.0.2'), request())).toContain('"from":"127.0.0.2"')
    expect(await answerTo(open(at, '127.0.0.2'), proxyHeader(client), request())).not.toContain('10.20.30.40')
    expect(outcomes(at, 'direct')).toBe(2)
  })

  test('ends every other connection, with a header or without one', async () => {
    const at = await behind()
    for (const parts of [[proxyHeader(client), request()], [request()]])
      expect(await answerTo(open(at, '127.0.0.3'), ...parts).catch(() => 'reset')).toMatch(/^(?:reset)?$/)
    expect(outcomes(at, 'untrusted')).toBe(2)
  })

  test.each<[string, Uint8Array | string, string]>([
    ['a request without a header', request(), 'invalid'],
    ['a header that names loopback', proxyHeader({ address: '127.0.0.1', port: 1 }), 'invalid'],
    ['a header of version 1', 'PROXY TCP4 10.0.0.1 10.0.0.2 5 6\r\n', 'invalid'],
  ])('ends a connection of a balancer that brings %s', async (_, bytes, outcome) => {
    const at = await behind()
    expect(await answerTo(open(at), bytes).catch(() => '')).toBe('')
    expect(outcomes(at, outcome)).toBe(1)
  })

  test('waits five seconds for a header, and no longer', async () => {
    const at = await behind()
    const socket = open(at)
    await once(socket, 'connect')
    socket.write(proxyHeader(client).subarray(0, 20))
    const closed = closing(socket)
    await eventually(async () => {
      await at.clock.advance(1_000)
      expect(outcomes(at, 'late')).toBe(1)
    })
    await closed
  })

  test('stops although a header has not come yet', async () => {
    const at = await behind()
    const socket = open(at).resume()
    await once(socket, 'connect')
    socket.write(proxyHeader(client).subarray(0, 3))
    const closed = closing(socket)
    await at.server.stop()
    await closed
  })

  test('counts the connections of each caller behind the balancer for itself', async () => {
    const at = await behind({ maxConnections: 4, addressShare: 0.5 })
    const come = (address: string) => {
      const socket = open(at).resume()
      socket.write(proxyHeader({ address, port: 9 }))
      return { closed: closing(socket), socket }
    }
    const [first] = ['10.0.0.1', '10.0.0.1'].map(come)
    await eventually(() => expect(outcomes(at, 'stated')).toBe(2))
    const other = come('10.0.0.2')
    await eventually(() => expect(outcomes(at, 'stated')).toBe(3))
    come('10.0.0.1')
    await first?.closed
    expect(await answerTo(other.socket, request())).toBeDefined()
  })
})
