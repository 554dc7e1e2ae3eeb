import type { LookupFunction } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { openUpstreams, type Upstreams, upstreamRulesSchema } from '../../lib/backend/index.ts'
import { seededRandom, systemClock } from '../../lib/base/index.ts'
import { parseRegistryHost, parseRepositoryName, parseTag } from '../../lib/core/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { eventually } from '../kit/eventually.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { type Script, type SeenRequest, scriptedServer } from '../kit/scripted-server.ts'

/** Clients name any registry they like, also one that leads to what only we can reach. */

const name = parseRepositoryName('team/app')
const tag = parseTag('v1')
const digest = `sha256:${'0'.repeat(64)}`

const manifestAnswer: Script = (_request, res) => {
  res.writeHead(200, { 'docker-content-digest': digest, 'content-type': 'application/x', 'content-length': '2' }).end()
}

type RuleAt = (port: string) => object

async function upstreamsTo(
  script: Script,
  rule: object | RuleAt,
  addressOf: (host: string) => string = () => '127.0.0.1',
) {
  const stack = resourceStack()
  const server = stack.own(await scriptedServer(script))
  const { port } = new URL(server.url)
  const lookup = ((host, { all }, done) => {
    const address = addressOf(host)
    const family = address.includes(':') ? 6 : 4
    if (all === true) done(null, [{ address, family }])
    else done(null, address, family)
  }) as LookupFunction
  const upstreams: Upstreams = openUpstreams(
    { clock: systemClock(), random: seededRandom(2), logger: silentLogger(), metrics: silentMetrics(), lookup },
    upstreamRulesSchema.parse([
      { plainHttp: true, wait: '500ms', ...(typeof rule === 'function' ? (rule as RuleAt)(port) : rule) },
    ]),
  )
  await upstreams.start()
  stack.own({ [Symbol.asyncDispose]: () => upstreams.stop() })
  const describeAt = (host: string) =>
    upstreams
      .at(parseRegistryHost(`${host}:${port}`))!
      .repository(name)
      .manifests.describe(tag)
  return { server, upstreams, describeAt, port, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

describe('a rule for any registry', () => {
  test.each(['127.0.0.1', '10.0.0.1', '172.16.9.9', '192.168.1.1', '100.64.0.1', '169.254.169.254', '100.100.100.200'])(
    'leads to no inner address %s, neither by a name nor as it stands',
    async (address) => {
      await using to = await upstreamsTo(manifestAnswer, { registry: '*' }, () => address)
      await expect(to.describeAt('evil.example.com')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
      await expect(to.describeAt(address)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
      expect(to.server.requests).toEqual([])
    },
  )

  test.each(['::1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1', '::ffff:7f00:1'])(
    'leads to no inner address of IPv6 %s',
    async (address) => {
      await using to = await upstreamsTo(manifestAnswer, { registry: '*' }, () => address)
      await expect(to.describeAt('evil.example.com')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    },
  )

  test('that says so leads to this machine, and never to where clouds keep credentials', async () => {
    await using to = await upstreamsTo(manifestAnswer, { registry: '*', inner: true }, (host) =>
      host.startsWith('cloud') ? '169.254.169.254' : '127.0.0.1',
    )
    expect(await to.describeAt('registry.example.com')).toMatchObject({ digest })
    expect(await to.describeAt('127.0.0.1')).toMatchObject({ digest })
    await expect(to.describeAt('cloud.example.com')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    await expect(to.describeAt('169.254.169.254')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
  })

  test.each([
    ['http://169.254.169.254/latest/meta-data', 'BACKEND_UNAVAILABLE'],
    ['http://cloud.example.com/latest', 'UPSTREAM_UNREACHABLE'],
  ])('follows no registry to %s', async (location, code) => {
    const redirect: Script = (_request, res) => void res.writeHead(307, { location }).end()
    await using to = await upstreamsTo(redirect, { registry: '*', inner: true }, (host) =>
      host.startsWith('cloud') ? '169.254.169.254' : '127.0.0.1',
    )
    await expect(to.describeAt('evil.example.com')).rejects.toMatchObject({ code })
    expect(new Set(to.server.requests.map(({ method }) => method))).toEqual(new Set(['HEAD']))
  })
})

describe('a rule for one registry', () => {
  const isOther = ({ headers }: Pick<SeenRequest, 'headers'>) => headers.host?.startsWith('other.') === true
  /** Sends on to another host, which answers. */
  const redirect: Script = (request, res) => {
    const port = request.headers.host?.split(':')[1]
    if (isOther(request)) return manifestAnswer(request, res)
    res.writeHead(307, { location: `http://other.example.com:${port}/v2/` }).end()
  }
  const causes = (err: unknown): readonly string[] =>
    err === undefined ? [] : [(err as Error).message, ...causes((err as Error).cause)]

  test('leads to where its host is, and to no other host inside', async () => {
    await using to = await upstreamsTo(redirect, (port) => ({ registry: `127.0.0.1:${port}` }))
    await expect(to.describeAt('127.0.0.1')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    expect(to.server.requests.length).toBeGreaterThan(0)
    expect(to.server.requests.some(isOther)).toBe(false)
  })

  test('leads to no private network', async () => {
    const addressOf = (host: string) => (host.startsWith('other') ? '10.0.0.1' : '127.0.0.1')
    await using to = await upstreamsTo(redirect, (port) => ({ registry: `registry.internal:${port}` }), addressOf)
    const err: unknown = await to.describeAt('registry.internal').catch((reason: unknown) => reason)
    expect(causes(err)).toContain('the name leads to an address that nobody may follow')
  })

  test('that says so leads there', async () => {
    await using to = await upstreamsTo(redirect, (port) => ({ registry: `127.0.0.1:${port}`, inner: true }))
    expect(await to.describeAt('127.0.0.1')).toMatchObject({ digest })
  })
})

describe('registries that somebody makes up', () => {
  test('make nobody forget that a real one does not answer', async () => {
    let isDown = false
    const script: Script = (request, res) => (isDown ? void res.destroy() : manifestAnswer(request, res))
    const addressOf = (host: string) => (host.startsWith('real') ? '127.0.0.1' : '169.254.1.1')
    await using to = await upstreamsTo(script, { registry: '*', inner: true }, addressOf)
    expect(await to.describeAt('real.example.com')).toMatchObject({ digest })
    isDown = true
    await expect(to.describeAt('real.example.com')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    const out = () => to.upstreams.standings().map(({ outForMs }) => outForMs)
    await eventually(() => expect(out()).toEqual([expect.any(Number)]))
    const names = Array.from({ length: 140 }, (_, n) => `made-up-${n}.example.com`)
    await Promise.all(names.map((host) => to.describeAt(host).catch(() => undefined)))
    const asked = () =>
      to.server.requests.filter(({ headers, url }) => headers.host?.startsWith('real') && url !== '/v2/')
    const before = asked().length
    await expect(to.describeAt('real.example.com')).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    expect(asked()).toHaveLength(before)
  })
})
