import { once } from 'node:events'
import { afterAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../kit/eventually.ts'
import { type InspectLab, type InspectLabInit, inspectLab } from '../kit/inspect-lab.ts'
import { resourceStack } from '../kit/resource-stack.ts'

const stack = resourceStack()
afterAll(async () => stack[Symbol.asyncDispose]())
const lab = async (init?: InspectLabInit) => stack.own(await inspectLab(init))

const basic = (password: string) => `Basic ${Buffer.from(`x:${password}`).toString('base64')}`
const statuses = async (asks: readonly Promise<{ readonly status: number }>[]) =>
  (await Promise.all(asks)).map(({ status }) => status)

describe('somebody who names another host inside of a tunnel that is looked into', () => {
  test.each(['else.example', '*.example', 'PKG.example.evil', 'a'.repeat(250), 'example'])(
    'by SNI, %s, gets no certificate for that, and nowhere',
    async (servername) => {
      const here = await lab()
      const inner = await here.inside('pkg.example', { servername, rejectUnauthorized: false }).catch(() => undefined)
      inner?.socket.on('error', () => undefined).resume()
      await eventually(() => expect(here.outcomes('other_name')).toBe(1))
      expect(here.seen).toEqual([])
    },
  )

  test('by Host or by a URL is refused, and nothing of it is asked anywhere', async () => {
    const here = await lab()
    const ask = async (path: string, headers = {}) => (await here.inside('pkg.example')).ask(path, { headers })
    const asked = await statuses([
      ask('/', { host: 'else.example' }),
      ask('/', { host: 'pkg.example' }),
      ask(`https://else.example:${here.port}/`),
      ask(`http://pkg.example:${here.port}/`),
      ask(`https://pkg.example:${here.port}/whole`),
    ])
    expect(asked).toEqual([421, 421, 421, 421, 200])
    expect(here.seen).toMatchObject([{ url: '/whole' }])
  })

  test('by a tunnel inside of the tunnel is refused', async () => {
    const here = await lab()
    const { socket } = await here.inside('pkg.example')
    socket.write('CONNECT else.example:443 HTTP/1.1\r\nHost: else.example:443\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 405 /)
  })
})

describe('somebody who wants where only the agent gets', () => {
  test('gets no further by a tunnel that is looked into than by one that is not', async () => {
    const here = await lab({
      addresses: { 'meta.example': '169.254.169.254' },
      forward: { to: 'named', hosts: [{ host: 'meta.example', inner: false }] },
    })
    expect(await here.ask(`CONNECT meta.example:22 HTTP/1.1\nHost: x`)).toMatch(/^HTTP\/1\.1 403 /)
    expect(await here.ask(`CONNECT strange.example:${here.port} HTTP/1.1\nHost: x`)).toMatch(/^HTTP\/1\.1 403 /)
    expect(await (await here.inside('meta.example')).ask('/')).toMatchObject({ status: 403 })
  })

  test('shows who he is by CONNECT, and a secret of this cluster goes to no host', async () => {
    const secrets = { read: 'a-secret-of-this-cluster', node: 'another-secret-of-it' }
    const here = await lab({ secrets, anonymous: 'none' })
    expect(await here.ask(`CONNECT pkg.example:${here.port} HTTP/1.1\nHost: x`)).toMatch(/^HTTP\/1\.1 407 /)
    const shown = `Proxy-Authorization: ${basic(secrets.read)}\r\n`
    const { ask } = await here.inside('pkg.example', {}, shown)
    const asked = [basic(secrets.read), basic('for-the-host')]
    for (const authorization of asked) expect((await ask('/', { headers: { authorization } })).status).toBe(200)
    expect(here.seen.map(({ rawHeaders }) => rawHeaders.map((text) => text.toLowerCase()))).toEqual([
      expect.not.arrayContaining(['authorization']),
      expect.arrayContaining(['authorization', basic('for-the-host').toLowerCase()]),
    ])
    const lines = JSON.stringify([here.logger.lines, here.proxy.logger.lines])
    for (const secret of [basic('for-the-host'), 'for-the-host', secrets.read]) expect(lines).not.toContain(secret)
  })
})

/** A tunnel whose client says these bytes inside, and nothing more. */
const tunnelled = (here: InspectLab, bytes = '') =>
  here.talk(`CONNECT pkg.example:${here.port} HTTP/1.1\r\nHost: x\r\n\r\n${bytes}`)

describe('somebody who takes all there is', () => {
  test.each(['', '\x16\x03\x01\x02'])('has a bounded time for his handshake: %j', async (bytes) => {
    const here = await lab()
    const { received, over } = await tunnelled(here, bytes)
    await eventually(() => expect(received()).toMatch(/200 Connection established/))
    await here.proxy.clock.advance(10_001)
    await over
    await eventually(() => expect(here.outcomes('late')).toBe(1))
  })

  test('finds the places of tunnels, and what is asked inside of each needs none of its own', async () => {
    const here = await lab({ forward: { connections: 1 } })
    expect((await (await here.inside('pkg.example')).ask('/')).status).toBe(200)
    const waiting = await tunnelled(here)
    const refused = await tunnelled(here)
    expect(await refused.over).toMatch(/^HTTP\/1\.1 503 /)
    expect(waiting.received()).toBe('')
  })
})

test('a client that takes no certificate of the operator is told of in the log, once for each host', async () => {
  const here = await lab()
  const attempt = () => here.inside('pkg.example', { ca: here.real.certificate })
  await expect(attempt()).rejects.toThrow()
  await expect(attempt()).rejects.toThrow()
  await eventually(() => expect(here.outcomes('left')).toBe(2))
  const told = here.logger.lines.filter(({ level }) => level === 'warn')
  expect(told).toMatchObject([{ fields: { host: 'pkg.example' } }])
})
