import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { type InspectLabInit, inspectLab } from '../../kit/inspect-lab.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { testAuthority } from '../../kit/tls-authority.ts'

const stack = resourceStack()
afterAll(async () => stack[Symbol.asyncDispose]())
const lab = async (init?: InspectLabInit) => stack.own(await inspectLab(init))

const codeIn = (answer: { readonly body: string }) => /"detail":\{[^}]*"code":"(\w+)"/.exec(answer.body)?.[1]

describe('a tunnel to a host that is looked into', () => {
  test('has a certificate of the operator, and what is asked for inside goes to the host, by TLS and with its own name', async () => {
    const here = await lab()
    const { socket, ask } = await here.inside('pkg.example')
    const shown = socket.getPeerX509Certificate()
    expect(shown?.issuer).toBe('CN=operator')
    const names = ['pkg.example', 'else.example'].map((name) => shown?.checkHost(name, { subject: 'never' }))
    expect(names).toEqual(['pkg.example', undefined])
    expect(socket.alpnProtocol).toBe('http/1.1')
    expect(await ask('/a?b=c', { headers: { 'x-own': '1' } })).toMatchObject({ status: 200, body: 'from the target' })
    expect(await ask('/up', { method: 'PUT', body: 'hello' })).toMatchObject({ status: 200 })
    expect(here.seen).toMatchObject([
      { method: 'GET', url: '/a?b=c', rawHeaders: expect.arrayContaining([`pkg.example:${here.port}`, 'x-own']) },
      { method: 'PUT', url: '/up', body: 'hello' },
    ])
    socket.destroy()
    await eventually(() => expect(here.outcomes('done')).toBe(1))
    expect(here.proxy.metrics.value('shoal_forwards_total', { way: 'relay', outcome: 'done' })).toBe(2)
  })

  test('is not looked into where its host is not one of those: the client sees the certificate of the host', async () => {
    const here = await lab()
    const { socket, ask } = await here.inside('other.test')
    expect(socket.getPeerX509Certificate()?.issuer).toBe('CN=real')
    expect(await ask('/')).toMatchObject({ status: 200, body: 'from the target' })
    expect(here.seen[0]?.rawHeaders).not.toContain('Via')
    expect(here.outcomes('done')).toBe(0)
  })

  test('gets what an agent answers itself, by the same rules as a URL', async () => {
    const here = await lab({ registry: { upstreams: ['pkg.example:*'] } })
    const { ask } = await here.inside('pkg.example')
    const pulled = await ask('/v2/team/app/manifests/1.0')
    expect(JSON.parse(pulled.body)).toMatchObject({
      own: '/v2/team/app/manifests/1.0',
      query: `ns=pkg.example%3A${here.port}`,
    })
    expect(await ask('/v2/')).toMatchObject({ body: 'from the target' })
    expect(here.seen).toMatchObject([{ url: '/v2/' }])
  })

  test.each<[string, InspectLabInit]>([
    ['nobody who is trusted', { realAuthority: testAuthority('strange') }],
    ['somebody who is trusted, for another host', { targetHosts: ['else.example'] }],
  ])('to a host with a certificate of %s is 502, and nothing is asked there', async (_, init) => {
    const here = await lab(init)
    const { ask } = await here.inside('pkg.example')
    const answer = await ask('/')
    expect([answer.status, codeIn(answer)]).toEqual([502, 'FORWARD_DISTRUSTED'])
    expect(here.seen).toEqual([])
  })

  test('carries what changes the protocol, both ways', async () => {
    const here = await lab()
    here.target.on('upgrade', (req, socket: Socket, head: Buffer) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${req.headers.upgrade}\r\nConnection: Upgrade\r\nX-A: 1\r\n\r\n`,
      )
      socket.write(`first ${head.toString()}`)
      socket.pipe(socket)
    })
    const { socket } = await here.inside('wss.example')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const head = `GET /ws HTTP/1.1\r\nHost: wss.example:${here.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`
    socket.write(`${head}early`)
    await eventually(() =>
      expect(text).toMatch(/^HTTP\/1\.1 101 [\s\S]*X-A: 1[\s\S]*Upgrade: websocket[\s\S]*\r\n\r\n/),
    )
    socket.write(' and later')
    await eventually(() => expect(text).toMatch(/first [\s\S]*early and later$/))
    socket.end()
    await once(socket, 'close')
  })

  test('answers a host that does not change the protocol as it answers', async () => {
    const here = await lab()
    const { ask } = await here.inside('pkg.example')
    const answer = await ask('/ws', { headers: { upgrade: 'websocket', connection: 'upgrade' } })
    expect(answer).toMatchObject({ status: 200, body: 'from the target' })
  })

  test('is carried as it is when there is no TLS inside', async () => {
    const here = await lab()
    const heard = once(here.target, 'tlsClientError')
    const authority = `pkg.example:${here.port}`
    const { socket } = await here.talk(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n`)
    const [err] = (await heard) as [{ readonly code: string }]
    expect(err.code).toBe('ERR_SSL_HTTP_REQUEST')
    socket.destroy()
    await eventually(() => expect(here.outcomes('plain')).toBe(1))
  })

  test('ends when the listener stops, at once where nothing is asked for', async () => {
    const here = await lab()
    const { socket, ask } = await here.inside('pkg.example')
    await ask('/')
    const ended = once(socket.resume(), 'end')
    await here.proxy.server.stop()
    await ended
  })
})
