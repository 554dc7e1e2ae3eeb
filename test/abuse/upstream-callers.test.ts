import { describe, expect, test } from '@jest/globals'
import { openUpstreams, type UpstreamCaller, upstreamRulesSchema } from '../../lib/backend/index.ts'
import { relayedChallenge } from '../../lib/backend/upstream/relayed-challenge.ts'
import { seededRandom, systemClock } from '../../lib/base/index.ts'
import { digestOf, parseRegistryHost, parseRepositoryName, parseTag } from '../../lib/core/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { basic } from '../kit/registry-access.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { type Script, scriptedServer } from '../kit/scripted-server.ts'

/** A registry that is asked in the name of clients, and turns on them: what they show goes to it, and to nobody else. */

const name = parseRepositoryName('team/app')
const tag = parseTag('v1')
const digest = digestOf(Buffer.from('what is wanted'))
const client: UpstreamCaller = { kind: 'client', shown: 'Bearer of-the-client' }

async function upstreamWith(script: Script, caller: UpstreamCaller = client) {
  const stack = resourceStack()
  const server = stack.own(await scriptedServer(script))
  const { host } = new URL(server.url)
  const components = { clock: systemClock(), random: seededRandom(2), logger: silentLogger(), metrics: silentMetrics() }
  const upstreams = openUpstreams(components, upstreamRulesSchema.parse([{ registry: host, plainHttp: true }]))
  await upstreams.start()
  stack.own({ [Symbol.asyncDispose]: () => upstreams.stop() })
  const reads = upstreams.at(parseRegistryHost(host))!.as(caller)
  return { server, reads, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

const authorizations = ({ requests }: { readonly requests: readonly { readonly headers: object }[] }) =>
  requests.map(({ headers }) => (headers as { authorization?: string }).authorization)

describe('what a client shows', () => {
  test('goes to the registry, and to no host that it redirects to', async () => {
    await using other = await scriptedServer((_, res) => void res.writeHead(200, { 'content-length': 14 }).end())
    await using to = await upstreamWith((_, res) => void res.writeHead(307, { location: `${other.url}/blob` }).end())
    expect(await to.reads.repository(name).blobs.size(digest)).toBe(14)
    expect(authorizations(to.server)).toEqual(['Bearer of-the-client'])
    expect(authorizations(other)).toEqual([undefined])
  })

  test('goes to no host where it says that its list goes on', async () => {
    await using other = await scriptedServer((_, res) => void res.writeHead(200).end('{"tags":["b"]}'))
    await using to = await upstreamWith(
      (_, res) => void res.writeHead(200, { link: `<${other.url}/v2/more>; rel="next"` }).end('{"tags":["a"]}'),
    )
    expect(await to.reads.tags(name)).toEqual(['a', 'b'])
    expect(authorizations(other)).toEqual([undefined])
  })

  test('is exchanged for a token where it is a name and a password, and where not, is not', async () => {
    await using realm = await scriptedServer((_, res) => void res.writeHead(200).end('{"token":"made"}'))
    const challenge = { 'www-authenticate': `Bearer realm="${realm.url}/token",service="s"` }
    const script: Script = ({ headers }, res) => {
      const isMade = headers.authorization === 'Bearer made'
      res.writeHead(isMade ? 200 : 401, isMade ? { 'content-length': 14 } : challenge).end()
    }
    const { authorization: shown } = basic('alice', 'a password')
    await using to = await upstreamWith(script, { kind: 'client', shown })
    expect(await to.reads.repository(name).blobs.size(digest)).toBe(14)
    expect(authorizations(realm)).toEqual([shown])
    await using bearer = await upstreamWith(script)
    await expect(bearer.reads.repository(name).blobs.size(digest)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(realm.requests).toHaveLength(1)
  })
})

test.each(['text/html', 'text/html; charset=utf-8', 'application/xhtml+xml'])(
  'a page to log in is no blob and no manifest, also with a length: %s',
  async (type) => {
    await using login = await scriptedServer(
      (_, res) => void res.writeHead(200, { 'content-type': type, 'content-length': 14 }).end('<html></html>\n'),
    )
    await using to = await upstreamWith((_, res) => void res.writeHead(302, { location: `${login.url}/login` }).end())
    const { blobs, manifests } = to.reads.repository(name)
    await expect(blobs.size(digest)).rejects.toMatchObject({ code: 'DENIED' })
    await expect(manifests.describe(tag)).rejects.toMatchObject({ code: 'DENIED' })
  },
)

describe('a challenge that is passed on', () => {
  const remote = new URL('https://registry.example.com')
  test.each([
    [
      'Bearer realm="https://auth.example.com/t",service="s",scope="repository:a:pull",error="insufficient_scope"',
      'same',
    ],
    ['Basic realm="the registry"', 'same'],
    ['Bearer realm="https://auth.example.com/t",service="a\\"b"', 'same'],
    [
      'Bearer realm="https://auth.example.com/t",made="up",service="s"',
      'Bearer realm="https://auth.example.com/t",service="s"',
    ],
    ['Negotiate, Basic realm="r"', 'Basic realm="r"'],
    ['Bearer realm="http://auth.example.com/t"', undefined],
    ['Bearer realm="https://127.0.0.1/t"', undefined],
    ['Bearer realm="https://169.254.169.254/t"', undefined],
    ['Bearer realm="https://user:pass@auth.example.com/t"', undefined],
    ['Bearer realm="file:///etc/passwd"', undefined],
    ['Bearer realm="/token"', undefined],
    ['Bearer service="s"', undefined],
    ['Negotiate', undefined],
    [undefined, undefined],
  ])('of %s', (header, expected) => {
    expect(relayedChallenge(header, remote)).toBe(expected === 'same' ? header : expected)
  })

  test('has no value that is too long or not printable', () => {
    const header = `Bearer realm="https://a.example.com/t",service="${'s'.repeat(2000)}",scope="\u00e9"`
    expect(relayedChallenge(header, remote)).toBe('Bearer realm="https://a.example.com/t"')
  })
})
