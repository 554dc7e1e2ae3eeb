import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, describe, expect, test } from '@jest/globals'
import { appError, deferred } from '../../../lib/base/index.ts'
import type { PullRules } from '../../../services/agent/pull-rules/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type ForwardLabInit, forwardLab } from '../../kit/forward-lab.ts'
import { resourceStack } from '../../kit/resource-stack.ts'

const stack = resourceStack()
afterAll(async () => stack[Symbol.asyncDispose]())
const lab = async (init?: ForwardLabInit) => stack.own(await forwardLab(init))

/** A host that only speaks when it is told to. */
async function silentHost() {
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)))
  stack.own({
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  const next = async (): Promise<Socket> => sockets.at(-1) ?? ((await once(server, 'connection'))[0] as Socket)
  return { port: (server.address() as AddressInfo).port, next }
}

/** Also when it is reset. */
const closeOf = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

const outcome = (
  proxy: { metrics: { value(name: string, labels: Record<string, string>): number | undefined } },
  way: string,
  outcome: string,
) => proxy.metrics.value('shoal_forwards_total', { way, outcome })

describe('a request for a host elsewhere', () => {
  test('goes on as it is, to the host of its target whatever Host says', async () => {
    const { ask, port, seen } = await lab()
    const answer = await ask(
      `GET http://pkg.example:${port}/a%2Fb/../c?x=%20&y HTTP/1.1\nHost: other.example\nX-Own: 1\nAccept: a\nAccept: b`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toMatch(/from the target/)
    expect(answer).not.toMatch(/x-request-id|docker-distribution|content-security/i)
    const [request] = seen
    expect(request).toMatchObject({ method: 'GET', url: '/a%2Fb/../c?x=%20&y', body: '' })
    expect(request?.rawHeaders.join('|')).toMatch(
      new RegExp(`^Host\\|pkg\\.example:${port}\\|X-Own\\|1\\|Accept\\|a\\|Accept\\|b\\|Via\\|1\\.1 shoal-\\w+\\|`),
    )
  })

  test.each([
    ['with a length', 'Content-Length: 5', 'hello'],
    ['in chunks', 'Transfer-Encoding: chunked', '3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n'],
    ['that is asked for first', 'Content-Length: 5\nExpect: 100-continue', 'hello'],
  ])('takes its body along, %s', async (_, framing, body) => {
    const { ask, port, seen } = await lab()
    const answer = await ask(`PUT http://pkg.example:${port}/up HTTP/1.1\nHost: x\n${framing}`, body)
    expect(answer).toMatch(/200 OK[\s\S]*from the target/)
    expect(seen).toMatchObject([{ method: 'PUT', url: '/up', body: 'hello' }])
  })

  test('that a rule of pulls refuses reaches nobody, and the rule sees its URL without the query', async () => {
    const asked: (string | undefined)[] = []
    const admit: PullRules['admit'] = (_, { url }) => {
      asked.push(url)
      if (url?.includes('/secret/') === true) throw appError('PULL_BLOCKED', { detail: { rule: 'no-secrets' } })
      return { pullClass: 'normal' }
    }
    const { ask, port, seen } = await lab({ rules: { admit } })
    const refused = await ask(`GET http://pkg.example:${port}/secret/a?x=1 HTTP/1.1\nHost: x`)
    expect(refused).toMatch(/^HTTP\/1\.1 403 [\s\S]*PULL_BLOCKED/)
    const given = await ask(`GET http://pkg.example:${port}/open?secret=/secret/ HTTP/1.1\nHost: x`)
    expect(given).toMatch(/^HTTP\/1\.1 200 OK/)
    const host = `http://pkg.example:${port}`
    expect([asked, seen.map(({ url }) => url)]).toEqual([
      [`${host}/secret/a`, `${host}/open`],
      ['/open?secret=/secret/'],
    ])
  })

  test('with nothing but a length of 0, as nydusd sends it, does not wait for a body', async () => {
    const { ask, port, seen } = await lab()
    expect(await ask(`GET http://pkg.example:${port}/ HTTP/1.1\nHost: x\nContent-Length: 0`)).toMatch(/200 OK/)
    expect(seen[0]?.rawHeaders).toEqual(expect.arrayContaining(['Content-Length', '0']))
  })

  test('of nydusd, named or as version 2.2 was traced, never goes by plain HTTP, as it wrote: it has passwords', async () => {
    const { ask, port, seen } = await lab()
    const token = `GET http://pkg.example:${port}/token?service=s&password=secret HTTP/1.1\nHost: x\nAccept: */*\n`
    const form = 'Content-Type: application/x-www-form-urlencoded\nContent-Length: 15'
    const unnamed = await ask(token + form, 'password=secret')
    const named = await ask(`${token}User-Agent: nydusd/1.0.0`)
    for (const answer of [unnamed, named]) expect(answer).toMatch(/^HTTP\/1\.1 502 /)
    expect(seen).toEqual([])
    expect(await ask(`${token}User-Agent: curl/8\n${form}`, 'password=secret')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('gets the answer as the host gave it: status, headers that come twice, no body where there is none', async () => {
    const { ask, port } = await lab({
      answer: (req, res) => {
        if (req.method === 'HEAD') res.writeHead(200, { 'content-length': 4711 }).end()
        else
          res
            .writeHead(
              302,
              'Elsewhere',
              [
                ['Location', 'http://169.254.169.254/'],
                ['Set-Cookie', 'a'],
                ['Set-Cookie', 'b'],
              ].flat(),
            )
            .end()
      },
    })
    const head = await ask(`HEAD http://pkg.example:${port}/ HTTP/1.1\nHost: x`)
    expect(head).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*Content-Length: 4711[\s\S]*\r\n\r\n$/)
    const moved = await ask(`GET http://pkg.example:${port}/ HTTP/1.1\nHost: x`)
    expect(moved).toMatch(
      /^HTTP\/1\.1 302 Elsewhere\r\nLocation: http:\/\/169\.254\.169\.254\/\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n/,
    )
  })

  test('is cut when its answer breaks off, and is never answered as whole', async () => {
    const { ask, port, proxy } = await lab({
      answer: (_, res) => {
        res.writeHead(200, { 'content-length': 100 }).write('half', () => res.destroy())
      },
    })
    expect(await ask(`GET http://pkg.example:${port}/ HTTP/1.1\nHost: x`)).toMatch(/Content-Length: 100[\s\S]*half$/)
    expect(outcome(proxy, 'relay', 'failed')).toBe(1)
  })

  test('ends at the host when its client goes', async () => {
    const closed = deferred()
    const { talk, port, seen, proxy } = await lab({
      answer: (req) => req.socket.once('close', () => closed.resolve()),
    })
    const { socket } = await talk(`GET http://pkg.example:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n`)
    await eventually(() => expect(seen).toHaveLength(1))
    socket.destroy()
    await closed.promise
    await eventually(() => expect(outcome(proxy, 'relay', 'left')).toBe(1))
  })

  test('is 502 when nobody is there, with a code of ours', async () => {
    const { ask, port, target, proxy } = await lab()
    target.close()
    const answer = await ask(`GET http://pkg.example:${port}/ HTTP/1.1\nHost: x`)
    expect(answer).toMatch(/^HTTP\/1\.1 502 /)
    expect(answer).toMatch(/"code":"FORWARD_UNREACHABLE"/)
    expect(outcome(proxy, 'relay', 'failed')).toBe(1)
  })

  test('is over when its host says nothing for too long', async () => {
    const { talk, port, proxy, seen } = await lab({ answer: () => undefined, forward: { idle: '1m' } })
    const { over } = await talk(`GET http://pkg.example:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    await eventually(() => expect(seen).toHaveLength(1))
    await proxy.clock.advance(61_000)
    expect(await over).toMatch(/^HTTP\/1\.1 502 [\s\S]*has fallen silent/)
  })
})

describe('a tunnel', () => {
  test('carries what both sides say, and what one says after the other has ended', async () => {
    const { port, next } = await silentHost()
    const { talk, proxy } = await lab({ forward: { ports: [port] } })
    // The first bytes come with the request, as a client sends them that does not wait.
    const { socket, received, over } = await talk(`CONNECT files.example:${port} HTTP/1.1\r\nHost: x\r\n\r\nfirst`)
    const host = await next()
    const heard: Buffer[] = []
    host.on('data', (chunk: Buffer) => heard.push(chunk))
    await eventually(() => expect(Buffer.concat(heard).toString()).toBe('first'))
    expect(received()).toBe('HTTP/1.1 200 Connection established\r\n\r\n')
    host.write('hello')
    await eventually(() => expect(received()).toMatch(/hello$/))
    socket.end(' and last')
    await once(host, 'end')
    expect(Buffer.concat(heard).toString()).toBe('first and last')
    host.end('good bye')
    expect(await over).toMatch(/hellogood bye$/)
    await eventually(() => expect(outcome(proxy, 'tunnel', 'done')).toBe(1))
    expect(proxy.metrics.value('shoal_forward_bytes_total', { direction: 'sent' })).toBe(14)
    expect(proxy.metrics.value('shoal_forward_bytes_total', { direction: 'received' })).toBe(13)
    expect(proxy.metrics.value('shoal_forwards_open', { way: 'tunnel' })).toBe(0)
  })

  test.each(['client', 'host'] as const)('is cut at the other side when the %s breaks off', async (who) => {
    const { port, next } = await silentHost()
    const { talk, proxy } = await lab({ forward: { ports: [port] } })
    const { socket, received } = await talk(`CONNECT files.example:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const host = await next()
    await eventually(() => expect(received()).toMatch(/established/))
    const [breaks, stays] = who === 'client' ? [socket, host] : [host, socket]
    const closed = closeOf(stays)
    stays.resume()
    breaks.resetAndDestroy()
    await closed
    await eventually(() => expect(proxy.metrics.value('shoal_forwards_open', { way: 'tunnel' })).toBe(0))
  })

  test('ends when nobody says anything for too long, and lasts while somebody does', async () => {
    const { port, next } = await silentHost()
    const { talk, proxy } = await lab({ forward: { ports: [port], idle: '1m' } })
    const { received, over } = await talk(`CONNECT files.example:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const host = await next()
    await eventually(() => expect(received()).toMatch(/established/))
    for (const said of ['one', 'two', 'three']) {
      await proxy.clock.advance(50_000)
      host.write(said)
      await eventually(() => expect(received().endsWith(said)).toBe(true))
    }
    const closed = closeOf(host)
    host.resume()
    await proxy.clock.advance(61_000)
    await closed
    expect(await over).toMatch(/onetwothree$/)
  })

  test('comes after the answers that are under way on its connection', async () => {
    const { port, next } = await silentHost()
    const { talk } = await lab({ forward: { ports: [port] } })
    const { over } = await talk(
      `GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\nCONNECT files.example:${port} HTTP/1.1\r\nHost: x\r\n\r\n`,
    )
    const host = await next()
    host.resume().end('done')
    expect(await over).toMatch(
      /^HTTP\/1\.1 200 OK[\s\S]*"own":"\/v2\/"[\s\S]*\}HTTP\/1\.1 200 Connection established\r\n\r\ndone$/,
    )
  })

  test('is cut when the listener stops, after its time', async () => {
    const { port, next } = await silentHost()
    const { talk, proxy } = await lab({ forward: { ports: [port] } })
    const { received, over } = await talk(`CONNECT files.example:${port} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const host = await next()
    await eventually(() => expect(received()).toMatch(/established/))
    const stopped = proxy.server.stop()
    await proxy.clock.advance(10_000)
    host.resume()
    await Promise.all([over, stopped])
    expect(received()).toMatch(/established\r\n\r\n$/)
  })
})
