import { afterAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { type ForwardLab, type ForwardLabInit, forwardLab } from '../kit/forward-lab.ts'
import { resourceStack } from '../kit/resource-stack.ts'

const stack = resourceStack()
afterAll(async () => stack[Symbol.asyncDispose]())
const lab = async (init?: ForwardLabInit) => stack.own(await forwardLab(init))

const codeIn = (answer: string) =>
  /"detail":\{[^}]*"code":"(\w+)"/.exec(answer)?.[1] ?? /"code":"(\w+)"/.exec(answer)?.[1]
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

/** As a request and as a tunnel. */
const both = async ({ ask }: ForwardLab, authority: string) => [
  codeIn(await ask(`GET http://${authority}/ HTTP/1.1\nHost: x`)),
  codeIn(await ask(`CONNECT ${authority} HTTP/1.1\nHost: x`)),
]

describe('somebody who wants where only the agent gets', () => {
  test('is refused whatever the name leads to, and nothing is connected to', async () => {
    const here = await lab({
      forward: { hosts: [], ports: [80, 443] },
      addresses: {
        'meta.example': '169.254.169.254',
        'six.example': 'fe80::1',
        'nat.example': '64:ff9b::a9fe:a9fe',
        'loop.example': '127.0.0.1',
      },
    })
    for (const name of ['meta.example', 'six.example', 'nat.example', 'loop.example', 'localhost'])
      expect([name, ...(await both(here, `${name}:80`))]).toEqual([name, 'FORWARD_DENIED', 'FORWARD_DENIED'])
    for (const address of [
      '169.254.169.254',
      '127.0.0.1',
      '127.1',
      '0x7f000001',
      '2130706433',
      '[::1]',
      '[::ffff:a9fe:a9fe]',
      '0',
    ])
      expect([address, ...(await both(here, `${address}:80`))]).toEqual([address, 'FORWARD_DENIED', 'FORWARD_DENIED'])
  })

  test('cannot have a name change its mind after it was judged: each request looks it up once', async () => {
    const { ask, looked, port } = await lab()
    await ask(`GET http://pkg.example:${port}/ HTTP/1.1\nHost: x`)
    expect(looked).toEqual(['pkg.example'])
  })

  test('gets to no other port and to no host that is not named', async () => {
    const here = await lab({ forward: { to: 'named', hosts: [{ host: 'pkg.example', inner: true }] } })
    expect(await both(here, 'pkg.example:22')).toEqual(['FORWARD_DENIED', 'FORWARD_DENIED'])
    expect(await both(here, `strange.example:${here.port}`)).toEqual(['FORWARD_DENIED', 'FORWARD_DENIED'])
    expect(here.looked).toEqual([])
    expect(statusOf(await here.ask(`GET http://pkg.example:${here.port}/ HTTP/1.1\nHost: x`))).toBe(200)
  })
})

describe('a request that would come back', () => {
  test('by any name and address of this machine is refused', async () => {
    const here = await lab({ isOwnPort: true, forward: { hosts: [{ host: '*', inner: true }] } })
    for (const name of ['own.example', 'localhost', '127.0.0.2', '[::ffff:127.0.0.1]'])
      expect([name, ...(await both(here, `${name}:${here.port}`))]).toEqual([name, 'FORWARD_LOOP', 'FORWARD_LOOP'])
    expect(here.seen).toEqual([])
  })

  test('through another proxy is refused at its second arrival', async () => {
    const here = await lab()
    await here.ask(`GET http://pkg.example:${here.port}/ HTTP/1.1\nHost: x`)
    const via = /Via\|([^|]+)/.exec(here.seen[0]?.rawHeaders.join('|') ?? '')?.[1] ?? ''
    const again = await here.ask(`GET http://pkg.example:${here.port}/ HTTP/1.1\nHost: x\nVia: 1.0 other, ${via}`)
    expect([statusOf(again), codeIn(again)]).toEqual([508, 'FORWARD_LOOP'])
    expect(here.seen).toHaveLength(1)
  })
})

describe('smuggling', () => {
  test.each([
    ['two ways to say where the body ends', 'Content-Length: 4\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 4\nContent-Length: 5'],
    ['an encoding that is none', 'Transfer-Encoding: xchunked'],
  ])('%s are refused', async (_, framing) => {
    const { ask, port, seen } = await lab()
    expect(statusOf(await ask(`POST http://pkg.example:${port}/ HTTP/1.1\nHost: x\n${framing}`, '0\r\n\r\n'))).toBe(400)
    expect(seen).toEqual([])
  })

  test('what is for the neighbour stays here, also what Connection calls so, but not where a body ends', async () => {
    const { ask, port, seen } = await lab()
    await ask(
      [
        `POST http://pkg.example:${port}/ HTTP/1.1`,
        'Host: evil.example',
        'Connection: X-Hop, content-length, host, keep-alive',
        'X-Hop: 1',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eDp5',
        'TE: trailers',
        'Trailer: x',
        'Upgrade: websocket',
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        'Content-Length: 2',
      ].join('\n'),
      'ok',
    )
    const names = seen[0]?.rawHeaders.filter((_, at) => at % 2 === 0)
    expect(names).toEqual(['Host', 'Content-Length', 'Via', 'Connection'])
    expect(seen).toMatchObject([{ body: 'ok', rawHeaders: expect.arrayContaining([`pkg.example:${port}`]) }])
  })

  test('an answer that changes the protocol is none', async () => {
    const { ask, port } = await lab({
      answer: (_, res) => {
        res.socket?.end(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nGET / HTTP/1.1\r\n\r\n',
        )
      },
    })
    expect(
      statusOf(await ask(`GET http://pkg.example:${port}/ HTTP/1.1\nHost: x\nConnection: upgrade\nUpgrade: x`)),
    ).toBe(502)
  })

  test('an answer with two ways to say where it ends is none', async () => {
    const { ask, port } = await lab({
      answer: (_, res) => {
        res.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')
      },
    })
    expect(statusOf(await ask(`GET http://pkg.example:${port}/ HTTP/1.1\nHost: x`))).toBe(502)
  })

  test.each(['TRACE', 'PROPFIND'])('%s goes nowhere', async (method) => {
    const { ask, port, seen } = await lab()
    expect(codeIn(await ask(`${method} http://pkg.example:${port}/ HTTP/1.1\nHost: x`))).toBe('METHOD_NOT_ALLOWED')
    expect(seen).toEqual([])
  })
})

describe('who may', () => {
  const secrets = { read: 'a-secret-of-this-cluster', node: 'another-secret-of-it' }
  const basic = (password: string) => `Basic ${Buffer.from(`x:${password}`).toString('base64')}`

  test('where a secret is asked for, nobody goes anywhere without showing it to the proxy', async () => {
    const here = await lab({ secrets, anonymous: 'none' })
    const at = (more: string) => here.ask(`GET http://pkg.example:${here.port}/ HTTP/1.1\nHost: x${more}`)
    for (const shown of ['', `\nProxy-Authorization: ${basic('wrong')}`, `\nAuthorization: ${basic(secrets.read)}`]) {
      const answer = await at(shown)
      expect([statusOf(answer), codeIn(answer)]).toEqual([407, 'FORWARD_UNAUTHORIZED'])
      expect(answer).toMatch(/proxy-authenticate: Basic realm="shoal"/i)
    }
    expect(await here.ask(`CONNECT pkg.example:${here.port} HTTP/1.1\nHost: x`)).toMatch(/^HTTP\/1\.1 407 /)
    expect(here.seen).toEqual([])
    expect(statusOf(await at(`\nProxy-Authorization: ${basic(secrets.read)}`))).toBe(200)
  })

  test('a secret of ours goes nowhere, and what is for the host goes there', async () => {
    const here = await lab({ secrets })
    const at = (shown: string) =>
      here.ask(`GET http://pkg.example:${here.port}/ HTTP/1.1\nHost: x\nAuthorization: ${shown}`)
    await at(basic(secrets.read))
    await at(basic('for-the-host'))
    expect(here.seen.map(({ rawHeaders }) => rawHeaders.includes('Authorization'))).toEqual([false, true])
  })
})

describe('somebody who takes all there is', () => {
  test('finds no place beyond the limit, and what ends gives its place to the next', async () => {
    const here = await lab({ answer: () => undefined, forward: { connections: 2 } })
    const open = () =>
      here.talk(`GET http://pkg.example:${here.port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    const first = await open()
    await open()
    await eventually(() => expect(here.seen).toHaveLength(2))
    const waiting = await open()
    const refused = await open()
    expect(await refused.over).toMatch(/^HTTP\/1\.1 503 [\s\S]*"limit":"forwards"/)
    expect(here.proxy.metrics.value('shoal_http_limited_total', { listener: 'registry', limit: 'forwards' })).toBe(1)
    first.socket.destroy()
    await eventually(() => expect(here.seen).toHaveLength(3))
    expect(waiting.received()).toBe('')
  })
})

test('requests for ours are answered here, in whatever form and with whatever Host', async () => {
  const here = await lab({ hosts: ['registry.here'], registry: { ownNames: ['own.example'] } })
  const own = here.proxy.server.address.port
  for (const head of [
    `GET http://127.0.0.1:${own}/v2/ HTTP/1.1\nHost: localhost`,
    'GET http://registry.here/v2/ HTTP/1.1\nHost: registry.here',
    'GET /v2/ HTTP/1.1\nHost: registry.here',
  ])
    expect(await here.ask(head)).toMatch(/"own":"\/v2\/","query":""/)
  expect(await here.ask('GET http://own.example/v2/a/tags/list?n=1 HTTP/1.1\nHost: elsewhere')).toMatch(
    /"own":"\/v2\/a\/tags\/list","query":"n=1&ns=own.example"/,
  )
  expect(await here.ask('GET /v2/ HTTP/1.1\nHost: elsewhere.example')).toMatch(/^HTTP\/1\.1 421 /)
  expect(here.seen).toEqual([])
})
