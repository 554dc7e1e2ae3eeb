import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../lib/config/index.ts'
import { digestOf } from '../../lib/core/index.ts'
import { type SecretName, secretNames, secretProver } from '../../lib/identity/index.ts'
import { serviceFacts } from '../../lib/service/index.ts'
import { doors } from '../../services/herd/index.ts'
import { documentedRoutes } from '../kit/documented-routes.ts'
import { type CollectedSpan, type OtlpCollector, otlpCollector } from '../kit/otlp-collector.ts'
import { pushBlobOf } from '../kit/pushed-blob.ts'
import { everySecret, secretOverrides } from '../kit/secrets.ts'
import { startTopology, type Topology } from '../kit/topology.ts'

/** Whoever has got hold of one secret may do what it is for, and nothing else. */

let shoal: Topology
let collector: OtlpCollector

beforeAll(async () => {
  collector = await otlpCollector()
  const traced = ['agent', 'tracker', 'origin', 'buildIndex', 'proxy'].flatMap((kind) => [
    `${kind}.tracing.endpoint=${collector.endpoint}`,
    `${kind}.tracing.ratio=1`,
  ])
  shoal = await startTopology({
    ...{
      agents: 1,
      origins: 1,
      trackers: 1,
      controllers: 1,
      managers: 1,
      optional: true,
      processes: ['agent-1', 'tracker-1'],
    },
    overrides: [
      ...secretOverrides(),
      ...traced,
      'agent.registry.anonymous=none',
      'agent.log=debug',
      'tracker.log=debug',
    ],
  })
})
afterAll(async () => {
  await shoal[Symbol.asyncDispose]()
  await collector[Symbol.asyncDispose]()
})

const announce = (role: 'agent' | 'origin') => ({
  peer: { peerId: 'ab'.repeat(20), key: 'a-key', port: 7000, role },
  torrents: [],
})

interface Door {
  readonly at: readonly [id: string, listener: string]
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

const uploads = '/namespace/team%2Fa/uploads'
const some = `sha256:${'0'.repeat(64)}`
/** As in the examples of `documentedRoutes`. */
const absent = digestOf(Buffer.from('nobody has this'))

/** One request for each thing that a secret is for, and the secrets that may. */
const table: readonly (readonly [what: string, may: readonly SecretName[], door: Door])[] = [
  ['pull from an agent', ['read'], { at: ['agent-1', 'registry'], method: 'GET', path: '/v2/' }],
  ['look into an agent', ['adminRead', 'admin'], { at: ['agent-1', 'admin'], method: 'GET', path: '/blobs' }],
  ['log in at the proxy', ['read', 'push'], { at: ['proxy-1', 'registry'], method: 'GET', path: '/v2/' }],
  ['pull from the proxy', ['read', 'push'], { at: ['proxy-1', 'registry'], method: 'GET', path: '/v2/a/tags/list' }],
  ['push', ['push'], { at: ['proxy-1', 'registry'], method: 'POST', path: '/v2/team/a/blobs/uploads/' }],
  [
    'read at an origin',
    ['node', 'service'],
    { at: ['origin-1', 'http'], method: 'GET', path: `/namespace/team%2Fa/blobs/${some}` },
  ],
  [
    'ask an origin as another one',
    ['service'],
    {
      ...{ at: ['origin-1', 'http'], method: 'GET', path: `/namespace/team%2Fa/blobs/${some}` },
      headers: { 'x-shoal-hop': '1' },
    },
  ],
  [
    'see what an origin holds',
    ['service'],
    { at: ['origin-1', 'http'], method: 'GET', path: `/namespace/team%2Fa/blobs/${some}/holding?asker=origin-1` },
  ],
  [
    'read what an origin has not verified',
    ['service'],
    { at: ['origin-1', 'http'], method: 'GET', path: `/namespace/team%2Fa/blobs/${some}/held` },
  ],
  [
    'ask an origin as another one how long a blob is',
    ['service'],
    {
      ...{ at: ['origin-1', 'http'], method: 'HEAD', path: `/namespace/team%2Fa/blobs/${some}` },
      headers: { 'x-shoal-hop': '1' },
    },
  ],
  [
    'have an origin send elsewhere',
    ['service'],
    {
      ...{ at: ['origin-1', 'http'], method: 'POST', path: `/namespace/team%2Fa/blobs/${some}/send` },
      body: { url: 'http://127.0.0.1:1', repository: 'team/a' },
    },
  ],
  ['upload at an origin', ['service', 'peering'], { at: ['origin-1', 'http'], method: 'POST', path: uploads }],
  [
    'see whether an origin leaves',
    ['adminRead', 'admin'],
    { at: ['origin-1', 'admin'], method: 'GET', path: '/drain' },
  ],
  ['let an origin stay', ['admin'], { at: ['origin-1', 'admin'], method: 'DELETE', path: '/drain' }],
  [
    'look into a controller',
    ['adminRead', 'admin'],
    { at: ['controller-1', 'admin'], method: 'GET', path: '/leadership' },
  ],
  [
    'read the audit of a manager',
    ['adminRead', 'admin'],
    { at: ['manager-1', 'admin'], method: 'GET', path: '/api/v1/audit' },
  ],
  ['look into a tracker', ['adminRead', 'admin'], { at: ['tracker-1', 'admin'], method: 'GET', path: '/rings' }],
  [
    'announce as an agent',
    ['node', 'service'],
    { at: ['tracker-1', 'http'], method: 'POST', path: '/announce', body: announce('agent') },
  ],
  [
    'announce as an origin',
    ['service'],
    { at: ['tracker-1', 'http'], method: 'POST', path: '/announce', body: announce('origin') },
  ],
  ['read the index', ['node', 'service'], { at: ['build-index-1', 'http'], method: 'GET', path: '/repositories' }],
  [
    'write the index',
    ['service'],
    { at: ['build-index-1', 'http'], method: 'DELETE', path: '/repositories/team%2Fa/tags/t' },
  ],
  ['ask an agent for a tag', ['read'], { at: ['agent-1', 'kraken'], method: 'GET', path: '/tags/a:1' }],
  ['preload at an agent', ['read'], { at: ['agent-1', 'kraken'], method: 'GET', path: '/preload/tags/a:1' }],
  ['drop a blob of an agent', ['admin'], { at: ['agent-1', 'kraken'], method: 'DELETE', path: `/blobs/${some}` }],
  ['list all tags', ['node', 'service'], { at: ['build-index-1', 'kraken'], method: 'GET', path: '/list/' }],
  [
    'put a tag to a digest',
    ['service'],
    { at: ['build-index-1', 'kraken'], method: 'PUT', path: `/tags/a:1/digest/${some}` },
  ],
  ['replicate a tag', ['admin'], { at: ['build-index-1', 'kraken'], method: 'POST', path: '/remotes/tags/a:1' }],
  [
    'warm an image',
    ['read', 'push'],
    { at: ['proxy-1', 'kraken'], method: 'POST', path: '/proxy/v2/registry/prefetch', body: { tag: 'a' } },
  ],
  [
    'tell of a push',
    ['read', 'push'],
    { at: ['proxy-1', 'kraken'], method: 'POST', path: '/registry/notifications', body: { events: [] } },
  ],
]

async function knock({ at, method, path, body, headers }: Door, secret: string | undefined): Promise<number> {
  const { status } = await fetch(shoal.url(...at) + path, {
    method,
    headers: {
      ...headers,
      ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return status
}

/** What replication calls at the far end, and nothing else. */
const forOtherClusters = [
  'build-index GET /replicas',
  'build-index POST /replicas/team%2Fapp/states',
  'build-index GET /replicas/team%2Fapp/tags/1.0',
  'build-index PUT /replicas/team%2Fapp/tags/1.0',
  'build-index DELETE /replicas/team%2Fapp/tags/1.0',
  `build-index PUT /repositories/team%2Fapp/blobs/${absent}`,
  `build-index PUT /repositories/team%2Fapp/manifests/${absent}`,
  `build-index PUT /repositories/team%2Fapp/referrers/x/${absent}`,
  `origin HEAD /namespace/team%2Fapp/blobs/${absent}`,
  'origin POST /namespace/team%2Fapp/uploads',
  'origin GET /namespace/team%2Fapp/uploads/x',
  'origin PATCH /namespace/team%2Fapp/uploads/x',
  'origin PUT /namespace/team%2Fapp/uploads/x',
  'origin DELETE /namespace/team%2Fapp/uploads/x',
]

test('another cluster may do what replication calls, and nothing else at any route of any service', async () => {
  const guarded = documentedRoutes.filter(({ right, path }) => right !== 'none' || path.startsWith('/v2'))
  expect(guarded.length).toBeGreaterThan(100)
  const answers = await Promise.all(
    guarded.map(async ({ kind, listener, method, path }) => {
      const { name } = serviceFacts(kind)
      const status = await knock({ at: [`${name}-1`, listener], method, path }, everySecret.peering)
      return { request: `${name} ${method} ${path}`, status }
    }),
  )
  const inside = answers.filter(({ status }) => status !== 401 && status !== 403).map(({ request }) => request)
  expect(inside.toSorted()).toEqual(forOtherClusters.toSorted())
})

test('another cluster cannot have its uploads count for somebody else', async () => {
  const headers = { 'x-shoal-client': '192.0.2.7' }
  const opened = async (secret: string) => {
    const answer = await fetch(shoal.url('origin-1') + uploads, {
      ...{ method: 'POST', headers: { ...headers, authorization: `Bearer ${secret}` } },
    })
    return ((await answer.json()) as { readonly id: string }).id
  }
  const [ours, theirs] = [await opened(everySecret.service), await opened(everySecret.peering)]
  const list = await fetch(`${shoal.url('origin-1', 'admin')}/uploads`, {
    headers: { authorization: `Bearer ${everySecret.admin}` },
  })
  const { uploads: open } = (await list.json()) as { uploads: readonly { readonly id: string; client: string }[] }
  const clientOf = (id: string) => open.find((upload) => upload.id === id)?.client
  expect([clientOf(ours), clientOf(theirs)]).toEqual(['192.0.2.7', '127.0.0.1'])
})

describe('a secret', () => {
  test.each(table)('lets those who have the right one %s: %j', async (_, may, door) => {
    const statuses = await Promise.all(secretNames.map(async (name) => [name, await knock(door, everySecret[name])]))
    const inside = statuses.filter(([, status]) => status !== 401 && status !== 403).map(([name]) => name)
    expect(inside).toEqual(may)
    expect(await knock(door, undefined)).toBe(401)
    expect(await knock(door, 'a-secret-that-is-guessed')).toBe(401)
  })

  test('of each kind is all that the services need of each other', async () => {
    const blob = await pushBlobOf(shoal, 'team/private', 2_000_000, { authorization: `Bearer ${everySecret.push}` })
    const headers = { authorization: `Bearer ${everySecret.read}` }
    const pulled = await fetch(shoal.url('agent-1', 'registry') + blob.path, { headers })
    expect((await pulled.arrayBuffer()).byteLength).toBe(2_000_000)
  })

  test('stands in no trace, however it was shown', async () => {
    const blob = await pushBlobOf(shoal, 'team/traced', 100_000, { authorization: `Bearer ${everySecret.push}` })
    const basic = Buffer.from(`somebody:${everySecret.read}`).toString('base64')
    const shown = [`Basic ${basic}`, `Bearer ${everySecret.read}`, 'Bearer a-secret-that-is-guessed']
    for (const authorization of shown) {
      const url = `${shoal.url('agent-1', 'registry')}${blob.path}?account=${everySecret.read}`
      await (await fetch(url, { headers: { authorization, 'x-request-id': `${everySecret.read}/` } })).arrayBuffer()
    }
    const isPull = ({ name, attributes }: CollectedSpan) =>
      name === 'pull' && attributes['shoal.repository'] === 'team/traced'
    await collector.until(
      (spans) =>
        ['shoal-proxy', 'shoal-origin', 'shoal-build-index', 'shoal-tracker'].every((name) =>
          spans.some(({ service }) => service === name),
        ) && spans.some(isPull),
    )
    const told = collector.requests.map(({ body, headers }) => JSON.stringify(headers) + body.toString('utf8')).join('')
    for (const value of [...Object.values(everySecret), basic, 'a-secret-that-is-guessed'])
      expect(told).not.toContain(value)
  })

  test.each(['agent-1', 'tracker-1'])('of %s stands in no log, no command line and no metric', async (id) => {
    const logs = shoal.logs(id)
    expect(logs).toContain('request ended')
    const metrics = await (await fetch(`${shoal.url(id, 'ops')}/metrics`)).text()
    const arguments_ = await readFile(`/proc/${shoal.pid(id)}/cmdline`, 'utf8')
    for (const value of Object.values(everySecret)) expect(logs + metrics + arguments_).not.toContain(value)
  })
})

describe.each(Object.values(doors))('the config of $kind', ({ kind, schema }) => {
  const { accepts, shows, proves } = serviceFacts(kind).secrets
  const used = secretNames.filter((name) => [...accepts, shows, proves].includes(name))
  const load = (secrets: object) => loadConfig(schema, { overrides: [`secrets=${JSON.stringify(secrets)}`] })

  test('shows nothing of its secrets to whoever prints it', async () => {
    const config = await load(Object.fromEntries(used.map((name) => [name, everySecret[name]])))
    const printed = JSON.stringify(config) + inspect(config, { depth: 20, showHidden: true, getters: true })
    for (const name of used) expect(printed).not.toContain(everySecret[name])
  })

  test('takes no secret that the service has no use for, and shows none in the error', async () => {
    for (const name of secretNames.filter((each) => !used.includes(each))) {
      const failure: unknown = await load({ [name]: everySecret[name] }).catch((err: unknown) => err)
      expect(failure).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(`"${name}"`) })
      expect(inspect(failure)).not.toContain(everySecret[name])
    }
  })

  test('takes no value twice', async () => {
    const [first = 'read'] = used
    const twice = [everySecret[first], everySecret[first]]
    await expect(load({ [first]: twice })).rejects.toMatchObject({ message: expect.stringContaining('are the same') })
  })
})

test('members that change the secret of peers one after the other trust each other all the time', () => {
  const [old, next] = ['the-old-secret-of-nodes', 'the-new-secret-of-nodes']
  const steps = [[old], [old, next], [next, old], [next]].map((values) => secretProver(values)!)
  const transcript = Buffer.from('one connection')
  for (const [i, one] of steps.entries()) {
    for (const [j, other] of steps.entries()) {
      const trust = other.holds(transcript, one.prove(transcript)) && one.holds(transcript, other.prove(transcript))
      expect([i, j, trust]).toEqual([i, j, Math.abs(i - j) < 2])
    }
  }
})
