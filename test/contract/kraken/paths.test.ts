import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { digestHex, digestOf } from '../../../lib/core/index.ts'
import { docTable } from '../../kit/doc-table.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { type RegistryAnswer, registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'
import { pushImage } from '../registry/running-registry.ts'

/** Each of Kraken's own paths, called as its clients call it, against running services. */

let shoal: Topology
const image = imageFixture(seededRandom(10), [300_000, 5_000])
const other = imageFixture(seededRandom(11), [4_000])
const absent = digestOf(Buffer.from('nobody has this'))
const blobs = [image.config, ...image.layers].map(({ digest }) => digest)

const services = { agent: 'agent-1', 'build-index': 'build-index-1', proxy: 'proxy-1' } as const
type Service = keyof typeof services

const json = { 'content-type': 'application/json' }

async function call(service: Service, method: string, path: string, body?: object): Promise<RegistryAnswer> {
  const client = registryClient(shoal.url(services[service], 'kraken'))
  return client.send(method, path, body === undefined ? {} : { headers: json, body: JSON.stringify(body) })
}

beforeAll(async () => {
  shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, optional: true, processes: [] })
  const push = (name: string, pushed: typeof image, tags: readonly string[]) =>
    pushImage(registryClient(shoal.url('proxy-1', 'registry')), name, pushed, [...tags])
  await push('team/app', image, ['1.0', '1.1', 'latest'])
  await push('team/app', other, ['other'])
  await push('team-b', other, ['1'])
  await push('zoo', other, ['a', 'b'])
})
afterAll(async () => shoal[Symbol.asyncDispose]())

const app = 'team%2Fapp:1.0'
const list = (self: string, result: readonly string[], next = '') => ({
  links: { next, self },
  size: result.length,
  result,
})
const began = (tag: string, traceId: string) => ({
  ...{ tag, prefetched: true, status: 'success', trace_id: traceId },
  message: 'prefetching initiated successfully',
})
const failed = (error: string, code: string, traceId?: string) => ({
  ...{ error, prefetched: false, status: 'failure', message: expect.stringMatching(new RegExp(`^${code}: `)) },
  ...(traceId !== undefined && { trace_id: traceId }),
})
const text = (code: string) => expect.stringMatching(new RegExp(`^${code}: `))
const pushed = (digest: string) => ({
  events: [{ action: 'push', target: { mediaType: image.manifest.mediaType, digest, repository: 'team/app' } }],
})

interface Row {
  /** As in docs/endpoints.md. */
  readonly route: string
  readonly path: string
  readonly body?: object
  readonly status: number
  /** The whole text, or the JSON. */
  readonly answer: unknown
}

type Answered = readonly [status: number, answer: unknown, body?: object]

const row = (route: string, path: string, ...[status, answer, body]: Answered): Row => ({
  ...{ route, path, status, answer },
  ...(body !== undefined && { body }),
})

const probes = [row('GET /health', '/health', 200, 'OK'), row('GET /readiness', '/readiness', 200, 'OK')]
const prefetches = ['v1', 'v2'].flatMap((version) => {
  const path = `/proxy/${version}/registry/prefetch`
  const route = `POST ${path}`
  const asked = (tag: string) => ({ tag, trace_id: 'abc' })
  return [
    row(route, path, 200, began('app:1.0', 'abc'), asked('127.0.0.1:5000/team/app:1.0')),
    row(route, path, 200, began('zoo:a', ''), { Tag: 'registry.example/zoo:a' }),
    row(route, path, 500, failed('Internal Server Error', 'MANIFEST_UNKNOWN', 'abc'), asked('h/team/app:none')),
    row(route, path, 400, failed('Bad Request', 'TAG_INVALID', 'abc'), asked('app:1.0')),
    row(route, path, 400, failed('Bad Request', 'NAME_INVALID', 'abc'), asked('team/app:1.0')),
    row(route, path, 400, failed('Bad Request', 'BODY_INVALID'), { tag: 7 }),
  ]
})

const table: Readonly<Record<Service, readonly Row[]>> = {
  agent: [
    ...probes,
    row('GET /tags/:tag', `/tags/${app}`, 200, image.manifest.digest),
    row('GET /tags/:tag', '/tags/team%2Fapp%3A1.0', 200, image.manifest.digest),
    row('GET /tags/:tag', '/tags/team%2Fapp:none', 404, text('MANIFEST_UNKNOWN')),
    row('GET /tags/:tag', '/tags/none:1', 404, text('MANIFEST_UNKNOWN')),
    row('GET /preload/tags/:tag', `/preload/tags/${app}`, 200, ''),
    row('GET /preload/tags/:tag', `/preload/tags/${app}?runtime=docker`, 200, ''),
    row('GET /preload/tags/:tag', `/preload/tags/${app}?runtime=containerd&namespace=k8s.io`, 200, ''),
    row('GET /preload/tags/:tag', `/preload/tags/${app}?runtime=crio`, 400, text('REQUEST_INVALID')),
    row('GET /preload/tags/:tag', '/preload/tags/team%2Fapp:none', 404, text('MANIFEST_UNKNOWN')),
    row('DELETE /blobs/:digest', `/blobs/${absent}`, 200, ''),
    row('DELETE /blobs/:digest', `/blobs/${digestHex(absent)}`, 200, ''),
    row('GET /namespace/:namespace/blobs/:digest', `/namespace/team%2Fapp/blobs/${absent}`, 404, text('BLOB_UNKNOWN')),
    row(
      'GET /namespace/:namespace/blobs/:digest',
      `/namespace/team%2Fapp/blobs/${image.config.digest}`,
      200,
      Buffer.from(image.config.bytes).toString(),
    ),
    row('HEAD /namespace/:namespace/blobs/:digest', `/namespace/team%2Fapp/blobs/${image.config.digest}`, 200, ''),
  ],
  'build-index': [
    ...probes,
    row('GET /tags/:tag', `/tags/${app}`, 200, image.manifest.digest),
    row('GET /tags/:tag', '/tags/team%2Fapp:none', 404, text('MANIFEST_UNKNOWN')),
    row('HEAD /tags/:tag', `/tags/${app}`, 200, ''),
    row('HEAD /tags/:tag', '/tags/team%2Fapp:none', 404, ''),
    row('PUT /tags/:tag/digest/:digest', `/tags/team%2Fapp:1.1/digest/${image.manifest.digest}`, 200, ''),
    row('PUT /tags/:tag/digest/:digest', `/tags/zoo:a/digest/${other.manifest.digest}?replicate=true`, 200, ''),
    row('PUT /tags/:tag/digest/:digest', `/tags/zoo:a/digest/${other.manifest.digest}?replicate=F`, 200, ''),
    row('PUT /tags/:tag/digest/:digest', `/tags/zoo:a/digest/${absent}?replicate=yes`, 400, text('REQUEST_INVALID')),
    row('PUT /tags/:tag/digest/:digest', `/tags/zoo:a/digest/${absent}`, 404, text('MANIFEST_UNKNOWN')),
    row('PUT /tags/:tag/digest/:digest', `/tags/zoo:a/digest/${digestHex(absent)}`, 400, text('DIGEST_INVALID')),
    row('POST /remotes/tags/:tag', `/remotes/tags/${app}`, 405, text('UNSUPPORTED')),
    row('POST /remotes/tags/:tag', '/remotes/tags/team%2Fapp:none', 404, text('MANIFEST_UNKNOWN')),
    ...(
      [
        ['', ['1.0', '1.1', 'latest', 'other'], ''],
        ['?limit=2', ['1.0', '1.1'], '?limit=2&offset=1.1'],
        ['?limit=2&offset=1.1', ['latest', 'other'], ''],
        ['?offset=zzz', [], ''],
      ] as const
    ).map(([query, result, next]) => {
      const path = '/repositories/team%2Fapp/tags'
      const answer = list(path + query, result, next && path + next)
      return row('GET /repositories/:repository/tags', path + query, 200, answer)
    }),
    row('GET /repositories/:repository/tags', '/repositories/none/tags', 200, list('/repositories/none/tags', [])),
    ...['limit=0', 'limit=x', 'limit=-1', 'n=2', 'limit=1&limit=2'].map((query) =>
      row(
        'GET /repositories/:repository/tags',
        `/repositories/zoo/tags?${query}`,
        400,
        text('(REQUEST|PAGINATION_NUMBER)_INVALID'),
      ),
    ),
    row(
      'GET /list/',
      '/list/',
      200,
      list('/list/', [
        ...['team-b:1', 'team/app:1.0', 'team/app:1.1', 'team/app:latest', 'team/app:other'],
        ...['zoo:a', 'zoo:b'],
      ]),
    ),
    row(
      'GET /list/',
      '/list/?limit=3',
      200,
      list('/list/?limit=3', ['team-b:1', 'team/app:1.0', 'team/app:1.1'], '/list/?limit=3&offset=team%2Fapp%3A1.1'),
    ),
    row(
      'GET /list/',
      '/list/?limit=3&offset=team%2Fapp%3A1.1',
      200,
      list(
        '/list/?limit=3&offset=team%2Fapp%3A1.1',
        ['team/app:latest', 'team/app:other', 'zoo:a'],
        '/list/?limit=3&offset=zoo%3Aa',
      ),
    ),
    row('GET /list/', '/list/?limit=3&offset=zoo%3Aa', 200, list('/list/?limit=3&offset=zoo%3Aa', ['zoo:b'])),
    row('GET /list/*prefix', '/list/z', 200, list('/list/z', ['zoo:a', 'zoo:b'])),
    row('GET /list/*prefix', '/list/team/?limit=1', 200, {
      ...list('/list/team/?limit=1', ['team/app:1.0'], '/list/team/?limit=1&offset=team%2Fapp%3A1.0'),
    }),
    row('GET /list/*prefix', '/list/team%2Fapp', 200, expect.objectContaining({ size: 4 })),
    row('GET /list/*prefix', '/list/nobody', 200, list('/list/nobody', [])),
    row('GET /list/*prefix', '/list/z?offset=team%2Fapp%3A1', 400, text('REQUEST_INVALID')),
    row('GET /list/*prefix', '/list/z?offset=zoo', 400, text('TAG_INVALID')),
  ],
  proxy: [
    ...probes,
    ...prefetches,
    row('POST /registry/notifications', '/registry/notifications', 200, '', pushed(image.manifest.digest)),
    row('POST /registry/notifications', '/registry/notifications', 200, '', pushed(absent)),
    row('POST /registry/notifications', '/registry/notifications', 200, '', pushed('sha256:no')),
    row('POST /registry/notifications', '/registry/notifications', 200, '', { events: null }),
    row('POST /registry/notifications', '/registry/notifications', 400, text('BODY_INVALID'), { events: 7 }),
  ],
}

/** What no client of Kraken sends, and what comes of it, at each service that takes a tag in its path. */
const badTags: readonly (readonly [path: string, status: number, code: string])[] = [
  ['/tags/team%2Fapp', 400, 'TAG_INVALID'],
  ['/tags/team%2Fapp:', 400, 'TAG_INVALID'],
  ['/tags/team%252Fapp:1.0', 400, 'NAME_INVALID'],
  ['/tags/team%2F..%2Fapp:1.0', 400, 'NAME_INVALID'],
  ['/tags/team%2Fapp%00:1.0', 400, 'NAME_INVALID'],
  ['/tags/%zz:1', 400, 'REQUEST_INVALID'],
  ['/tags/team/app:1.0', 404, 'NOT_FOUND'],
  [`/tags/${'a'.repeat(5_000)}:1`, 400, 'NAME_INVALID'],
]

describe.each(['agent', 'build-index'] as const)('a tag that is none, at the %s', (service) => {
  test.each(badTags)('%s is answered with %i %s', async (path, status, code) => {
    const answer = await call(service, 'GET', path)
    expect([answer.status, answer.body.toString()]).toEqual([status, text(code)])
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
  })
})

describe('a body that is none, at the proxy', () => {
  const huge = JSON.stringify({ events: [], tag: 'a'.repeat(1_100_000) })
  const deep = `{"events":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  test.each([
    ['/registry/notifications', 'application/json', huge, 413, 'BODY_TOO_LARGE'],
    ['/registry/notifications', 'application/json', deep, 400, 'BODY_INVALID'],
    ['/registry/notifications', 'application/json', '', 400, 'BODY_INVALID'],
    ['/registry/notifications', 'application/x-www-form-urlencoded', '{}', 415, 'CONTENT_TYPE_UNSUPPORTED'],
    ['/registry/notifications', 'application/vnd.docker.distribution.events.v1+json', '{}', 200, ''],
    ['/proxy/v2/registry/prefetch', 'application/json', huge, 413, 'BODY_TOO_LARGE'],
    ['/proxy/v2/registry/prefetch', 'application/json', '{', 400, 'BODY_INVALID'],
    ['/proxy/v2/registry/prefetch', 'application/vnd.docker.distribution.events.v1+json', '{}', 415, 'CONTENT_TYPE'],
  ])('%s of type %s', async (path, type, ...[body, status, code]) => {
    const proxy = registryClient(shoal.url('proxy-1', 'kraken'))
    const answer = await proxy.send('POST', path, { headers: { 'content-type': type }, body })
    expect([answer.status, answer.body.toString()]).toEqual([status, expect.stringContaining(code)])
  })
})

const rows = Object.entries(table).flatMap(([service, own]) =>
  own.map((each) => ({ service: service as Service, ...each })),
)

describe.each(Object.keys(services) as Service[])('the table of the %s', (service) => {
  test('has each of the paths of the document', () => {
    const documented = docTable('docs/endpoints.md', ['method', 'path', 'right', 'what'])
      .filter(({ heading }) => heading === `${service}: kraken listener`)
      .flatMap(({ method, path }) => method.split(' ').map((each) => `${each} ${path.replace(/\?.*$/, '')}`))
    expect([...new Set(table[service].map(({ route }) => route))].toSorted()).toEqual(documented.toSorted())
  })
})

test.each(rows)(
  '$service $route: $path is answered with $status',
  async ({ service, route, path, body, status, answer }) => {
    const { headers, ...got } = await call(service, route.split(' ', 1)[0] ?? '', path, body)
    const isJson = headers['content-type'] === 'application/json'
    expect([got.status, isJson ? got.json() : got.body.toString()]).toEqual([status, answer])
  },
)

describe('the agent', () => {
  const cached = async () => {
    const answer = await fetch(`${shoal.url('agent-1', 'admin')}/blobs`)
    return ((await answer.json()) as { blobs: { digest: string }[] }).blobs.map(({ digest }) => digest)
  }

  test('has all blobs of a preloaded image in its cache until they are deleted', async () => {
    const all = [image.manifest.digest, ...blobs]
    for (const digest of all) expect((await call('agent', 'DELETE', `/blobs/${digestHex(digest)}`)).status).toBe(200)
    expect((await cached()).filter((digest) => all.includes(digest as never))).toEqual([])
    expect((await call('agent', 'GET', `/preload/tags/${app}`)).status).toBe(200)
    await eventually(async () => expect(await cached()).toEqual(expect.arrayContaining(all)))
    await call('agent', 'DELETE', `/blobs/${image.config.digest}`)
    expect(await cached()).not.toContain(image.config.digest)
  })
})

describe('the build-index', () => {
  test('moves a tag, and everybody sees it', async () => {
    const put = (digest: string) => call('build-index', 'PUT', `/tags/team%2Fapp:latest/digest/${digest}`)
    expect((await put(other.manifest.digest)).status).toBe(200)
    expect((await call('agent', 'GET', '/tags/team%2Fapp:latest')).body.toString()).toBe(other.manifest.digest)
    expect((await put(image.manifest.digest)).status).toBe(200)
    expect((await call('agent', 'GET', '/tags/team%2Fapp:latest')).body.toString()).toBe(image.manifest.digest)
  })
})

describe('the origins', () => {
  const admin = (method: string, digest: string) =>
    fetch(`${shoal.url('origin-1', 'admin')}/blobs/${digest}`, { method }).then(({ status }) => status)
  const evictAll = async () => {
    for (const digest of blobs) {
      await eventually(async () => expect([204, 404]).toContain(await admin('DELETE', digest)))
      expect(await admin('GET', digest)).toBe(404)
    }
  }
  const areThere = () =>
    eventually(async () =>
      expect(await Promise.all(blobs.map((digest) => admin('GET', digest)))).toEqual([200, 200, 200]),
    )

  test('bring the blobs of a prefetched image, before anybody pulls it', async () => {
    await evictAll()
    const answer = await call('proxy', 'POST', '/proxy/v2/registry/prefetch', { tag: 'proxy.example/team/app:1.0' })
    expect(answer.status).toBe(200)
    await areThere()
  })

  test('bring the blobs of an image that Harbor tells of', async () => {
    await evictAll()
    const { digest } = image.manifest
    const target = {
      ...{ MediaType: 'application/vnd.docker.distribution.manifest.v2+json', Digest: digest },
      ...{ Repository: 'team/app', Url: 'https://harbor.example/v2/team/app/manifests/1.0', Tag: '1.0' },
    }
    const event = {
      Id: '5f0a',
      TimeStamp: '2026-01-02T03:04:05Z',
      Action: 'push',
      Target: target,
      Request: null,
      Actor: null,
    }
    const health = await call('proxy', 'GET', '/health')
    expect(health.status).toBe(200)
    const answer = await registryClient(shoal.url('proxy-1', 'kraken')).send('POST', '/registry/notifications', {
      headers: { ...json, accept: 'application/json' },
      body: JSON.stringify({ Events: [event] }),
    })
    expect([answer.status, answer.body.toString()]).toEqual([200, ''])
    await areThere()
  })
})
