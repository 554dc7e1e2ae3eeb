import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { answer, reset } from '../../kit/http-faults.ts'
import { imageFixture, indexFixture } from '../../kit/image-fixture.ts'
import type { RegistryClient } from '../../kit/registry-client.ts'
import { upstreamLab } from '../../kit/upstream-lab.ts'

const image = imageFixture(seededRandom(91), [5000, 700_000])
const { digest, bytes } = image.manifest
const layer = image.layers[1]!

/** As containerd pulls: the tag by HEAD, the manifest by digest, then all that it names. */
async function pull(client: RegistryClient, host: string, name = 'team/app') {
  const ns = `?ns=${host}`
  const head = await client.send('HEAD', `/v2/${name}/manifests/v1${ns}`)
  const manifest = await client.send('GET', `/v2/${name}/manifests/${digest}${ns}`)
  const blobs = await Promise.all(
    [image.config, ...image.layers].map((blob) => client.send('GET', `/v2/${name}/blobs/${blob.digest}${ns}`)),
  )
  return {
    head,
    manifest,
    statuses: [head, manifest, ...blobs].map(({ status }) => status),
    isRight: [manifest.body, ...blobs.map(({ body }) => body)].every((body, i) =>
      body.equals([bytes, image.config.bytes, ...image.layers.map((each) => each.bytes)][i]!),
    ),
  }
}

const all = { statuses: [200, 200, 200, 200, 200], isRight: true }

test('an image of any registry is pulled by the name of its registry, for two requests for the manifest and one for each blob', async () => {
  await using lab = await upstreamLab({ agents: 2 })
  await pushImage(lab.upstream, 'team/app', image, ['v1'])
  expect(await pull(lab.agent, lab.host)).toMatchObject(all)
  expect(lab.asked().toSorted()).toEqual(
    [
      'HEAD /v2/team/app/manifests/v1',
      `GET /v2/team/app/manifests/${digest}`,
      ...[image.config, ...image.layers].map((blob) => `GET /v2/team/app/blobs/${blob.digest}`),
    ].toSorted(),
  )
  const before = lab.asked().length
  expect(await pull(lab.second, lab.host)).toMatchObject(all)
  expect(lab.asked().slice(before)).toEqual(['HEAD /v2/team/app/manifests/v1'])
})

test('a manifest of an index costs two requests as well', async () => {
  await using lab = await upstreamLab()
  const index = indexFixture([image])
  await pushImage(lab.upstream, 'team/app', image)
  const headers = { 'content-type': index.mediaType }
  await lab.upstream.send('PUT', '/v2/team/app/manifests/v1', { headers, body: index.bytes })
  const ns = `?ns=${lab.host}`
  expect((await lab.agent.send('GET', `/v2/team/app/manifests/v1${ns}`)).body.equals(index.bytes)).toBe(true)
  expect((await lab.agent.send('GET', `/v2/team/app/manifests/${digest}${ns}`)).body.equals(bytes)).toBe(true)
  expect(lab.asked()).toEqual([
    'HEAD /v2/team/app/manifests/v1',
    `GET /v2/team/app/manifests/${index.digest}`,
    `HEAD /v2/team/app/manifests/${digest}`,
    `GET /v2/team/app/manifests/${digest}`,
  ])
})

test('a tag is asked for again only when it is no longer fresh', async () => {
  await using lab = await upstreamLab({ fresh: '1h' })
  await pushImage(lab.upstream, 'team/app', image, ['v1'])
  expect(await pull(lab.agent, lab.host)).toMatchObject(all)
  expect(await pull(lab.agent, lab.host)).toMatchObject(all)
  expect(lab.asked().filter((line) => line.startsWith('HEAD'))).toHaveLength(1)
})

test.each([
  ['the path', (host: string) => [`/v2/${host}/team/app`, '', {}] as const],
  ['the path, encoded', (host: string) => [`/v2/${host.replace(':', '%3A')}/team/app`, '', {}] as const],
  [
    'a header with a URL',
    (host: string) => ['/v2/team/app', '', { 'x-dragonfly-registry': `http://${host}/` }] as const,
  ],
  ['ns', (host: string) => ['/v2/team/app', `?ns=${host}`, {}] as const],
])('the registry is named by %s', async (_, ask) => {
  await using lab = await upstreamLab({ overrides: ['agent.registry.default=none'] })
  await pushImage(lab.upstream, 'team/app', image, ['v1', 'v2'])
  const [path, query, headers] = ask(lab.host)
  const get = (what: string, more: string = query) => lab.agent.send('GET', `${path}/${what}${more}`, { headers })
  const manifest = await get('manifests/v1')
  expect(manifest.headers['oci-namespace']).toBe(lab.host)
  expect(manifest.body.equals(bytes)).toBe(true)
  expect((await get(`blobs/${layer.digest}`)).body.equals(layer.bytes)).toBe(true)
  const list = await get('tags/list', query === '' ? '?n=1' : `${query}&n=1`)
  expect(list.json()).toMatchObject({ tags: ['v1'] })
  const next = /<([^>]+)>/.exec(String(list.headers['link']))![1]!
  expect((await lab.agent.send('GET', next, { headers })).json()).toMatchObject({ tags: ['v2'] })
})

test('a mount point has a default of its own', async () => {
  await using lab = await upstreamLab({ mount: '/hub', overrides: ['agent.registry.default=none'] })
  await pushImage(lab.upstream, 'team/app', image, ['v1'])
  expect((await lab.agent.send('GET', '/hub/v2/')).status).toBe(200)
  const manifest = await lab.agent.send('GET', '/hub/v2/team/app/manifests/v1')
  expect(manifest.body.equals(bytes)).toBe(true)
  expect((await lab.agent.send('GET', '/v2/team/app/manifests/v1')).status).toBe(404)
})

test('the rate limit that an upstream tells is a metric of its rule at all who ask, and nobody pulls when nothing is left', async () => {
  await using lab = await upstreamLab({ agents: 1 })
  await pushImage(lab.upstream, 'team/app', image, ['v1'])
  const figures = async (ids: readonly string[]) => {
    const texts = ids.map(async (id) => (await fetch(`${lab.topology.url(id, 'ops')}/metrics`)).text())
    const lines = (await Promise.all(texts)).flatMap((text) => text.split('\n'))
    return new Set(lines.filter((line) => line.startsWith('shoal_upstream_rate')))
  }
  const said = (remaining: number) => ({
    'ratelimit-limit': '100;w=21600',
    'ratelimit-remaining': `${remaining};w=21600`,
  })
  lab.front.faults.next({ method: 'HEAD' }, answer(404, said(73)))
  expect((await lab.agent.send('GET', `/v2/team/none/manifests/v1?ns=${lab.host}`)).status).toBe(404)
  expect(await figures(['build-index-1', 'build-index-2'])).toEqual(
    new Set([
      'shoal_upstream_rate_limit{rule="127.0.0.1:*"} 100',
      'shoal_upstream_rate_remaining{rule="127.0.0.1:*"} 73',
    ]),
  )
  lab.front.faults.next({ method: 'HEAD' }, answer(404, said(0)))
  expect((await lab.agent.send('GET', `/v2/team/nothing/manifests/v1?ns=${lab.host}`)).status).toBe(404)
  const nothingLeft = 'shoal_upstream_rate_remaining{rule="127.0.0.1:*"} 0'
  await eventually(async () => expect(await figures(['origin-1', 'origin-2'])).toContain(nothingLeft))
  expect((await lab.agent.send('GET', `/v2/team/app/manifests/v1?ns=${lab.host}`)).status).toBe(503)
  expect(lab.asked().filter((line) => line.startsWith('GET /v2/team'))).toEqual([])
})

test('what is cached is pulled by tag and digest while the upstream is down, also by another agent and a new build-index', async () => {
  await using lab = await upstreamLab({ agents: 2 })
  await pushImage(lab.upstream, 'team/app', image, ['v1'])
  const { head } = await pull(lab.agent, lab.host)
  expect(head.headers['warning']).toBeUndefined()
  lab.front.faults.next({ times: Number.POSITIVE_INFINITY }, reset())
  for (const id of ['build-index-1', 'build-index-2']) {
    await lab.topology.stop(id)
    await lab.topology.start(id)
  }
  for (const client of [lab.agent, lab.second]) {
    const pulled = await pull(client, lab.host)
    expect(pulled).toMatchObject(all)
    expect(pulled.head.headers['warning']).toMatch(/^299 - "the registry does not answer.*\d{4}-\d\d-\d\dT/)
    expect(pulled.head.headers['docker-content-digest']).toBe(digest)
  }
})

test('nothing of an upstream is written, listed, or taken for ours', async () => {
  await using lab = await upstreamLab({ overrides: ['agent.registry.default=none'] })
  const ns = `?ns=${lab.host}`
  expect((await lab.agent.send('GET', `/v2/_catalog${ns}`)).status).toBe(405)
  expect((await lab.agent.send('POST', `/v2/team/app/blobs/uploads/${ns}`)).status).toBe(405)
  expect((await lab.agent.send('GET', '/v2/team/app/manifests/v1?ns=ghcr.io')).status).toBe(404)
  expect((await lab.agent.send('GET', '/v2/team/app/manifests/v1')).status).toBe(404)
  expect((await lab.agent.send('GET', `/v2/team/none/manifests/v1${ns}`)).status).toBe(404)
  expect((await lab.agent.send('GET', `/v2/team/none/manifests/${digest}${ns}`)).status).toBe(404)
  expect((await lab.agent.send('GET', `/v2/team/none/blobs/${digest}${ns}`)).status).toBe(404)
})
