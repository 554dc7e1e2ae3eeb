import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { digestOf } from '../../../lib/core/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { blobFixture, descriptorOf, manifestFixture } from '../../kit/image-fixture.ts'
import { type RegistryClient, registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json'
const layerBytes = cipherBytes('a layer by its sha512', 5 * 1024 * 1024)
const layer = { digest: digestOf(layerBytes, 'sha512'), bytes: layerBytes }
const config = blobFixture('{}')
const manifest = manifestFixture(OCI_IMAGE, {
  config: descriptorOf(config, 'application/vnd.oci.empty.v1+json'),
  layers: [descriptorOf(layer, 'application/vnd.oci.image.layer.v1.tar')],
})
const manifestDigest = digestOf(manifest.bytes, 'sha512')

let shoal: Topology
let proxy: RegistryClient
let agents: readonly RegistryClient[]

beforeAll(async () => {
  shoal = await startTopology({ agents: 2, origins: 2, trackers: 1, processes: [] })
  proxy = registryClient(shoal.url('proxy-1', 'registry'))
  agents = ['agent-1', 'agent-2'].map((id) => registryClient(shoal.url(id, 'registry')))
})
afterAll(async () => shoal[Symbol.asyncDispose](), 60_000)

test('an image by sha512 goes to the proxy and through agents, which share its pieces', async () => {
  for (const blob of [config, layer]) {
    expect((await proxy.pushBlob('team/long', blob.digest, blob.bytes)).status).toBe(201)
  }
  const put = await proxy.send('PUT', `/v2/team/long/manifests/${manifestDigest}?tag=v1`, {
    body: manifest.bytes,
    headers: { 'content-type': OCI_IMAGE },
  })
  expect([put.status, put.headers['docker-content-digest']]).toEqual([201, manifestDigest])
  for (const client of [proxy, ...agents]) {
    for (const reference of ['v1', manifestDigest]) {
      const found = await client.send('GET', `/v2/team/long/manifests/${reference}`)
      expect([found.headers['docker-content-digest'], found.body.equals(manifest.bytes)]).toEqual([
        manifestDigest,
        true,
      ])
    }
    const found = await client.send('GET', `/v2/team/long/blobs/${layer.digest}`)
    expect([found.headers['docker-content-digest'], found.body.equals(layer.bytes)]).toEqual([layer.digest, true])
    const part = await client.send('GET', `/v2/team/long/blobs/${layer.digest}`, { headers: { range: 'bytes=-7' } })
    expect(part.body.equals(layer.bytes.subarray(-7))).toBe(true)
  }
  expect(await shoal.counter('agent-2', 'shoal_received_bytes_total', 'from="peer"')).toBeGreaterThan(0)
})
