import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { memoryRegistryStorage } from '../../../lib/registry/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { serveRegistry } from '../../contract/registry/serve-registry.ts'
import { faultProxy } from '../../kit/fault-proxy.ts'
import { errorJson, reset } from '../../kit/http-faults.ts'
import { descriptorOf, imageFixture, manifestFixture } from '../../kit/image-fixture.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology } from '../../kit/topology.ts'

const image = imageFixture(seededRandom(91), [5000, 700_000])
const { digest, bytes, mediaType } = image.manifest

/** A cluster in this process; its origins and its build-index use one registry as backend, which is behind faults. */
const clusterBefore = (config: object = {}, more: readonly string[] = []) =>
  buildResource(async (stack) => {
    const behind = stack.own(await serveRegistry(memoryRegistryStorage({ random: seededRandom(3) })))
    const front = stack.own(await faultProxy({ target: behind.url }))
    const backend = {
      driver: 'registry',
      url: front.url,
      repository: 'mirror/{repository}',
      chunk: '256KiB',
      ...config,
    }
    const rules = JSON.stringify([{ repository: '*', backend }])
    const overrides = [`origin.backends=${rules}`, `buildIndex.backend=${JSON.stringify(backend)}`, ...more]
    const topology = stack.own(await startTopology({ agents: 1, origins: 2, trackers: 1, overrides, processes: [] }))
    return {
      topology,
      faults: front.faults,
      behind: registryClient(behind.url),
      proxy: registryClient(topology.url('proxy-1', 'registry')),
      agent: registryClient(topology.url('agent-1', 'registry')),
    }
  })

describe('a cluster in front of a registry', () => {
  test('what is pushed to it is an image of that registry, under its own name and tag', async () => {
    await using cluster = await clusterBefore()
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    const there = await cluster.behind.send('GET', '/v2/mirror/team/app/manifests/v1')
    expect(there.body.equals(bytes)).toBe(true)
    expect(there.headers['content-type']).toBe(mediaType)
    for (const blob of [image.config, ...image.layers]) {
      const found = await cluster.behind.send('GET', `/v2/mirror/team/app/blobs/${blob.digest}`)
      expect(found.body.equals(blob.bytes)).toBe(true)
    }
  })

  test('what is pushed to that registry is pulled from an agent at once', async () => {
    await using cluster = await clusterBefore()
    await pushImage(cluster.behind, 'mirror/team/app', image, ['v1'])
    const manifest = await cluster.agent.send('GET', '/v2/team/app/manifests/v1')
    expect(manifest.body.equals(bytes)).toBe(true)
    for (const layer of image.layers) {
      const found = await cluster.agent.send('GET', `/v2/team/app/blobs/${layer.digest}`)
      expect(found.body.equals(layer.bytes)).toBe(true)
    }
  })

  test('an agent asks that registry for no blob that a manifest from there names, and for every other one', async () => {
    // The origins have the blobs, and the build-index remembers nothing: whoever looks there now is the agent.
    await using cluster = await clusterBefore({}, ['buildIndex.linkMemory=0s'])
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    const looks = () =>
      cluster.faults.requests.filter(({ method, url }) => method === 'HEAD' && url.includes('/blobs/'))
    const manifest = await cluster.agent.send('GET', '/v2/team/app/manifests/v1')
    expect(manifest.status).toBe(200)
    const before = looks().length
    for (const layer of [image.config, ...image.layers]) {
      const found = await cluster.agent.send('GET', `/v2/team/app/blobs/${layer.digest}`)
      expect(found.body.equals(layer.bytes)).toBe(true)
    }
    expect(looks()).toHaveLength(before)
    const other = await cluster.agent.send('GET', `/v2/other/app/blobs/${image.config.digest}`)
    expect([other.status, other.errorCode()]).toEqual([404, 'BLOB_UNKNOWN'])
    expect(looks().length).toBeGreaterThan(before)
  })

  const artifact = manifestFixture(mediaType, {
    config: descriptorOf(image.config, 'application/vnd.example'),
    layers: [],
    subject: descriptorOf({ digest, bytes }, mediaType),
  })
  const attach = (proxy: RegistryClient) =>
    proxy.send('PUT', `/v2/team/app/manifests/${artifact.digest}`, {
      body: artifact.bytes,
      headers: { 'content-type': mediaType },
    })

  test('without a second backend there are no lists of referrers, and clients are told so', async () => {
    await using cluster = await clusterBefore()
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    const answer = await attach(cluster.proxy)
    expect([answer.status, answer.headers['oci-subject']]).toEqual([201, undefined])
    for (const front of [cluster.proxy, cluster.agent]) {
      const listed = await front.send('GET', `/v2/team/app/referrers/${digest}`)
      expect([listed.status, listed.errorCode()]).toEqual([404, 'UNSUPPORTED'])
    }
    expect((await cluster.proxy.send('DELETE', `/v2/team/app/manifests/${artifact.digest}`)).status).toBe(202)
  })

  test('a second backend keeps the lists of referrers', async () => {
    await using folder = await tempFolder('second')
    const second = JSON.stringify({ driver: 'file', folder: folder.path })
    await using cluster = await clusterBefore({}, [`buildIndex.replication.backend=${second}`])
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    expect((await attach(cluster.proxy)).headers['oci-subject']).toBe(digest)
    for (const front of [cluster.proxy, cluster.agent]) {
      const listed = await front.send('GET', `/v2/team/app/referrers/${digest}`)
      expect(listed.json()).toMatchObject({ manifests: [{ digest: artifact.digest }] })
    }
  })

  test('an image outlives the disks of the origins', async () => {
    await using cluster = await clusterBefore()
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    const { topology } = cluster
    for (const { id } of topology.plan.origin) {
      await topology.stop(id)
      await rm(join(topology.data, id), { recursive: true, force: true })
      await topology.start(id)
    }
    for (const layer of image.layers) {
      const found = await cluster.agent.send('GET', `/v2/team/app/blobs/${layer.digest}`)
      expect(found.body.equals(layer.bytes)).toBe(true)
    }
  })

  test('a mount brings a blob that the repository there lacks', async () => {
    await using cluster = await clusterBefore()
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    const [layer] = image.layers
    const query = `mount=${layer?.digest ?? ''}&from=team/app`
    const mounted = await cluster.proxy.send('POST', `/v2/team/other/blobs/uploads/?${query}`)
    expect(mounted.status).toBe(201)
    const there = await cluster.behind.send('GET', `/v2/mirror/team/other/blobs/${layer?.digest ?? ''}`)
    expect(there.body.equals(layer?.bytes ?? Buffer.alloc(0))).toBe(true)
    await pushImage(cluster.proxy, 'team/other', image, ['v1'])
    expect((await cluster.behind.send('GET', '/v2/mirror/team/other/manifests/v1')).body.equals(bytes)).toBe(true)
  })

  test('an outage of that registry is 503 for a tag, and never 404', async () => {
    await using cluster = await clusterBefore({ limits: { attempts: 1 } })
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    cluster.faults.next({ times: Number.POSITIVE_INFINITY }, reset())
    for (const client of [cluster.proxy, cluster.agent]) {
      expect((await client.send('GET', '/v2/team/app/manifests/v1')).status).toBe(503)
      expect((await client.send('GET', '/v2/team/app/manifests/v2')).status).toBe(503)
    }
  })

  test('what that registry cannot do is told as unsupported', async () => {
    await using cluster = await clusterBefore()
    await pushImage(cluster.proxy, 'team/app', image, ['v1'])
    const refused = errorJson(405, { errors: [{ code: 'UNSUPPORTED' }] })
    cluster.faults.next({ method: 'DELETE', times: 9 }, refused)
    for (const reference of ['v1', digest]) {
      const answer = await cluster.proxy.send('DELETE', `/v2/team/app/manifests/${reference}`)
      expect([answer.status, answer.errorCode()]).toEqual([405, 'UNSUPPORTED'])
    }
  })

  test('a registry that is only read refuses a push and serves a pull', async () => {
    await using cluster = await clusterBefore({ mode: 'read-only' })
    await pushImage(cluster.behind, 'mirror/team/app', image, ['v1'])
    expect((await cluster.agent.send('GET', '/v2/team/app/manifests/v1')).status).toBe(200)
    const pushed = await cluster.proxy.pushBlob('team/app', named.digest, named.bytes)
    expect([pushed.status, pushed.errorCode()]).toEqual([405, 'UNSUPPORTED'])
  })
})

const named = imageFixture(seededRandom(92)).config
