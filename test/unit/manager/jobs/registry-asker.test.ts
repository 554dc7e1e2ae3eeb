import { createServer, type RequestListener } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../../../lib/base/index.ts'
import { digestOf } from '../../../../lib/core/index.ts'
import { registryAsker } from '../../../../services/manager/jobs/registry-asker.ts'
import { keptAlive } from '../../../kit/kept-alive.ts'
import { listening } from '../../../kit/listening.ts'

const bytes = Buffer.from('{"schemaVersion":2}')
const digest = digestOf(bytes)
const credentials = { headers: { Authorization: 'Bearer of-harbor' } }

async function asking(allow: readonly string[], handler: RequestListener) {
  const server = await listening(createServer(keptAlive, handler))
  const asker = registryAsker({ clock: systemClock() }, { allow })
  await asker.start()
  return {
    url: server.url,
    ask: (path: string, shown: object = credentials, base = server.url) => asker.digestOf(base + path, shown, {}),
    check: asker.check,
    async [Symbol.asyncDispose]() {
      await asker.stop()
      await server[Symbol.asyncDispose]()
    },
  }
}

const manifest: RequestListener = (_req, res) => void res.end(bytes)

describe('a registry', () => {
  test.each([
    'http://127.0.0.1/v2/a/manifests/1',
    'http://localhost:5000/v2/a/manifests/1',
    'http://10.1.2.3/v2/a/manifests/1',
    'http://[::1]/v2/a/manifests/1',
    'http://[::ffff:10.0.0.1]/v2/a/manifests/1',
    'http://169.254.169.254/latest/meta-data',
    'http://2130706433/v2/a/manifests/1',
    'http://0x7f.1/v2/a/manifests/1',
  ])('%s is not asked', async (url) => {
    await using it = await asking([], manifest)
    expect(() => it.check(url)).toThrow(expect.objectContaining({ code: 'ADDRESS_REFUSED' }))
    await expect(it.ask('', credentials, url)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' })
  })

  test('that is allowed is asked with what was shown, and its bytes must fit the digest that it names', async () => {
    await using it = await asking(['127.0.0.1'], (req, res) => {
      if (req.headers.authorization !== 'Bearer of-harbor') return void res.writeHead(401).end()
      if (req.url?.endsWith('liar')) res.setHeader('docker-content-digest', digestOf(Buffer.from('other')))
      res.end(bytes)
    })
    await expect(it.ask('/v2/a/manifests/1')).resolves.toBe(digest)
    await expect(it.ask(`/v2/a/manifests/${digest}`)).resolves.toBe(digest)
    await expect(it.ask('/v2/a/manifests/liar')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    await expect(it.ask('/v2/a/manifests/1', { headers: {} })).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
  })

  test('that sends on leads to no inner address, and another host sees nothing of what was shown', async () => {
    const seen: unknown[] = []
    await using other = await listening(
      createServer(keptAlive, (req, res) => {
        seen.push(req.headers.authorization)
        res.end(bytes)
      }),
    )
    const { port } = new URL(other.url)
    await using it = await asking(['127.0.0.1', 'other.localhost'], (req, res) => {
      const to = req.url === '/inner' ? 'http://10.0.0.1/' : `http://127.0.0.1:${port}/v2/x`
      res.writeHead(307, { location: to }).end()
    })
    await expect(it.ask('/inner')).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' })
    await expect(it.ask('/other')).resolves.toBe(digest)
    expect(seen).toEqual([undefined])
  })

  test('that sends on for ever is given up', async () => {
    await using it = await asking(
      ['127.0.0.1'],
      (req, res) => void res.writeHead(302, { location: `${req.url}a` }).end(),
    )
    await expect(it.ask('/a')).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
  })

  test('whose name leads to an inner address is not asked', async () => {
    await using it = await asking([], manifest)
    const asker = registryAsker(
      { clock: systemClock(), lookup: (_h, _o, done) => done(null, [{ address: '10.0.0.1', family: 4 }]) },
      { allow: [] },
    )
    await asker.start()
    await expect(asker.digestOf('http://rebound.example/v2/a/manifests/1', credentials, {})).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
    })
    await asker.stop()
    expect(it.url).toBeDefined()
  })

  test('that is allowed by its name and port is asked wherever it is, and no other port of it', async () => {
    await using right = await listening(createServer(keptAlive, manifest))
    const asked: number[] = []
    await using other = await listening(createServer(keptAlive, () => asked.push(1)))
    const [port, otherPort] = [right, other].map(({ url }) => new URL(url).port)
    const asker = registryAsker(
      { clock: systemClock(), lookup: (_h, _o, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
      { allow: [`Harbor.example:${port}`] },
    )
    await asker.start()
    const ask = (host: string) => asker.digestOf(`http://${host}/v2/a/manifests/1`, credentials, {})
    await expect(ask(`harbor.example:${port}`)).resolves.toBe(digest)
    for (const host of [`harbor.example:${otherPort}`, `sub.harbor.example:${port}`])
      await expect(ask(host)).rejects.toMatchObject({ code: 'ADDRESS_REFUSED' })
    // What was found for the one is not taken for the other.
    await expect(ask(`harbor.example:${port}`)).resolves.toBe(digest)
    expect(asked).toEqual([])
    await asker.stop()
  })

  test.each([
    ['http://10.0.0.1/v2/a/manifests/1', '10.0.0.1:80'],
    ['https://registry.localhost/v2/a/manifests/1', 'registry.localhost:443'],
  ])('%s is allowed by %s', async (url, host) => {
    const { check } = registryAsker({ clock: systemClock() }, { allow: [host] })
    expect(() => check(url)).not.toThrow()
    expect(() => check(url.replace('/v2', ':5000/v2'))).toThrow(expect.objectContaining({ code: 'ADDRESS_REFUSED' }))
  })

  test('that sends on to another one is the only one that says where a password is shown', async () => {
    const shown: unknown[] = []
    const other: RequestListener = (req, res) => {
      shown.push(req.headers.authorization)
      if (req.url === '/token') return void res.end(JSON.stringify({ token: 'made' }))
      const realm = `http://${req.headers.host}/token`
      res.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="s"` }).end()
    }
    await using thief = await listening(createServer(keptAlive, other))
    await using it = await asking(['127.0.0.1'], (_req, res) => {
      res.writeHead(307, { location: `http://127.0.0.1:${new URL(thief.url).port}/v2/x` }).end()
    })
    const known = { username: 'ada', password: 'secret' }
    await expect(it.ask('/v2/a/manifests/1', known)).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
    expect(shown).toEqual([undefined])
  })

  test('with a token server is asked with its token', async () => {
    await using it = await asking(['127.0.0.1'], (req, res) => {
      const { authorization, host } = req.headers
      if (req.url?.startsWith('/token')) {
        const isRight =
          authorization === `Basic ${Buffer.from('ada:secret').toString('base64')}` && req.url.includes('scope=pull')
        return void res.writeHead(isRight ? 200 : 401).end(JSON.stringify({ token: 'made' }))
      }
      if (authorization === 'Bearer made') return void res.end(bytes)
      res.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token",service="s",scope="pull"` }).end()
    })
    await expect(it.ask('/v2/a/manifests/1', { username: 'ada', password: 'secret' })).resolves.toBe(digest)
    await expect(it.ask('/v2/a/manifests/1', { username: 'ada', password: 'x' })).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
    })
    await expect(it.ask('/v2/a/manifests/1', {})).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
  })
})
