import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from '@jest/globals'
import { type HttpServerInit, sendJson } from '../../../lib/http/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type HttpPair, httpPair, route } from '../../kit/http-pair.ts'
import { handHeld, testAuthority, tlsTexts } from '../../kit/tls-authority.ts'

const ours = testAuthority('ours')
const theirs = testAuthority('theirs')
const own = ours.issue()

const hello = route(['GET'], '/hello', (exchange) => sendJson(exchange, 200, { hello: 'world' }))

type Tls = NonNullable<HttpServerInit['tls']>
type ClientMaterial = ReturnType<typeof handHeld> | undefined

let pair: HttpPair | undefined
afterEach(async () => {
  await pair?.[Symbol.asyncDispose]()
  pair = undefined
})

/** A listener with TLS, and a client that trusts our authority. */
async function tlsPair(
  tls: Partial<Tls> = {},
  client: ClientMaterial = handHeld(undefined, [ours]),
): Promise<HttpPair> {
  const material = handHeld(own, [ours])
  pair = await httpPair([hello], {
    server: { tls: { material, clients: 'off', plainToo: false, ...tls } },
    client: { tls: client },
  })
  return pair
}

async function status(on: HttpPair, at = on.url('/hello')): Promise<number> {
  const answer = await on.client.request({ method: 'GET', url: at })
  await answer.discard()
  return answer.status
}

const answerOf = async (on: HttpPair, at = on.url('/hello')) => {
  const answer = await on.client.request({ method: 'GET', url: at })
  return { status: answer.status, body: await answer.json(10_000) }
}

const outcomes = ({ metrics }: HttpPair, outcome: string) =>
  metrics.value('shoal_tls_handshakes_total', { listener: 'test', outcome })

const plain = (url: string) => url.replace('https:', 'http:')

describe('a listener with a certificate', () => {
  test('is called by https, and many requests share the connection', async () => {
    const at = await tlsPair()
    expect(at.url('')).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    for (let i = 0; i < 10; i += 1) expect(await status(at)).toBe(200)
    // The client has a connection back a moment after the answer; until then it opens another one.
    expect(outcomes(at, 'done')).toBeLessThan(3)
  })

  test('tells who speaks no TLS what to do, and ends the connection', async () => {
    const at = await tlsPair()
    const answer = await answerOf(at, plain(at.url('/hello')))
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'TLS_REQUIRED' } } })
    expect(outcomes(at, 'plain')).toBe(1)
    const socket = connect(at.server.address.port, '127.0.0.1')
    socket.write('GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n')
    socket.resume()
    await once(socket, 'close')
  })

  test.each(['', '\x16\x03\x01'])('stops at once, whoever is in the middle of a handshake: %j', async (bytes) => {
    const at = await tlsPair()
    const socket = connect(at.server.address.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(bytes, 'latin1')
    await once(socket, 'connect')
    expect(await status(at)).toBe(200)
    const over = once(socket.resume(), 'close')
    await at.server.stop()
    await over
  })

  test('answers both where it is told to', async () => {
    const at = await tlsPair({ plainToo: true })
    const { port } = at.server.address
    expect(at.url('')).toMatch(/^http:/)
    expect(await status(at, `http://127.0.0.1:${port}/hello`)).toBe(200)
    expect(await status(at, `https://127.0.0.1:${port}/hello`)).toBe(200)
  })

  test.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['begins a handshake and stops', (socket) => socket.write(Buffer.from([0x16, 3, 1]))],
  ])('ends a connection that %s', async (_, begin) => {
    const at = await tlsPair()
    const socket = connect(at.server.address.port, '127.0.0.1').resume()
    await once(socket, 'connect')
    begin(socket)
    const closed = once(socket, 'close')
    await eventually(async () => {
      await at.clock.advance(2_000)
      expect(outcomes(at, 'late')).toBe(1)
    })
    await closed
  })

  test('outlives whoever sends a handshake that is none', async () => {
    const at = await tlsPair()
    const socket = connect(at.server.address.port, '127.0.0.1').on('error', () => undefined)
    socket.write(Buffer.from([0x16, 3, 1, 0, 5, 0xff, 0, 0, 1, 0]))
    socket.resume()
    await once(socket, 'close')
    await eventually(() => expect(outcomes(at, 'failed')).toBe(1))
    expect(await status(at)).toBe(200)
  })

  test('stops although a handshake is under way', async () => {
    const at = await tlsPair()
    const socket = connect(at.server.address.port, '127.0.0.1').on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(Buffer.from([0x16, 3, 1]))
    expect(await status(at)).toBe(200)
    const stopped = at.server.stop()
    const closed = once(socket.resume(), 'close')
    await eventually(async () => {
      await at.clock.advance(2_000)
      expect(socket.closed).toBe(true)
    })
    await Promise.all([stopped, closed])
  })
})

describe('a client', () => {
  test.each<[string, () => Partial<Tls>, ClientMaterial, string]>([
    ['of an authority that it does not know', () => ({}), handHeld(undefined, [theirs]), 'tls.authorities'],
    [
      'for another host',
      () => ({ material: handHeld(ours.issue({ hosts: ['elsewhere.example'] }), [ours]) }),
      handHeld(undefined, [ours]),
      'SAN',
    ],
    [
      'that has ended',
      () => ({ material: handHeld(ours.issue({ days: -0.0001 }), [ours]) }),
      undefined,
      'not valid now',
    ],
  ])('takes no certificate %s, and says what to do', async (_, tls, client, advice) => {
    const at = await tlsPair(tls(), client ?? handHeld(undefined, [ours]))
    const failure = { code: 'TLS_UNTRUSTED', message: expect.stringContaining(advice) }
    await expect(status(at)).rejects.toMatchObject(failure)
  })

  test('says that a listener speaks no TLS', async () => {
    pair = await httpPair([hello], { client: { tls: handHeld(undefined, [ours]) } })
    const at = pair.url('/hello').replace('http:', 'https:')
    const failure = { code: 'TLS_UNTRUSTED', message: expect.stringContaining('it speaks no TLS') }
    await expect(status(pair, at)).rejects.toMatchObject(failure)
  })
})

describe('a listener that asks for certificates', () => {
  test.each<['optional' | 'required', string, () => ClientMaterial, number]>([
    ['required', 'one of ours', () => handHeld(ours.issue(), [ours]), 200],
    ['required', 'none', () => handHeld(undefined, [ours]), 403],
    ['required', 'one of theirs', () => handHeld(theirs.issue(), [ours]), 403],
    ['required', 'one that has ended', () => handHeld(ours.issue({ days: -0.0001 }), [ours]), 403],
    ['optional', 'one of ours', () => handHeld(ours.issue(), [ours]), 200],
    ['optional', 'none', () => handHeld(undefined, [ours]), 200],
    ['optional', 'one of theirs', () => handHeld(theirs.issue(), [ours]), 403],
  ])('%s: answers who shows %s', async (clients, _, client, expected) => {
    const at = await tlsPair({ clients }, client())
    const answer = await answerOf(at)
    expect(answer.status).toBe(expected)
    if (expected === 403) expect(answer.body).toMatchObject({ error: { code: 'CERTIFICATE_REQUIRED' } })
  })
})

describe('new certificates', () => {
  /** What a new connection is shown. */
  const shown = async ({ server }: HttpPair) => {
    const socket = connectTls({ port: server.address.port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    const closed = once(socket.resume(), 'close')
    socket.end()
    await closed
    return fingerprint256
  }

  test('count for new connections of a listener, at once; those that are open go on', async () => {
    const material = handHeld(own, [ours])
    const at = await tlsPair({ material })
    expect(await status(at)).toBe(200)
    const before = await shown(at)
    material.now = tlsTexts(ours.issue(), [ours])
    expect(await shown(at)).not.toBe(before)
    expect(await status(at)).toBe(200)
    expect(outcomes(at, 'done')).toBe(3)
  })

  test('pass from one authority to another without a gap, while both are trusted', async () => {
    const [listener, client] = [handHeld(own, [ours]), handHeld(ours.issue(), [ours])]
    const at = await tlsPair({ material: listener, clients: 'required' }, client)
    const steps = [
      () => (listener.now = tlsTexts(own, [ours, theirs])),
      () => (client.now = tlsTexts(ours.issue(), [ours, theirs])),
      () => (client.now = tlsTexts(theirs.issue(), [ours, theirs])),
      () => (listener.now = tlsTexts(theirs.issue(), [ours, theirs])),
      () => (client.now = tlsTexts(theirs.issue(), [theirs])),
      () => (listener.now = tlsTexts(theirs.issue(), [theirs])),
    ]
    for (const step of steps) {
      step()
      // A request with `connection: close` has the next one make a new connection.
      const answer = await at.client.request({ method: 'GET', url: at.url('/hello'), headers: { connection: 'close' } })
      await answer.discard()
      expect(answer.status).toBe(200)
    }
    client.now = tlsTexts(ours.issue(), [theirs])
    expect(await answerOf(at)).toMatchObject({ status: 403 })
  })
})
