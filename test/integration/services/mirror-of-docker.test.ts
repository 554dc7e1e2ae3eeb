import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const image = imageFixture(seededRandom(52), [2_000])

/** What docker 20.10 asks a mirror of its `registry-mirrors` for, to pull `nginx`. */
const asDocker = async (shoal: Topology, query = '') => {
  const client = registryClient(shoal.url('agent-1', 'registry'))
  const headers = {
    'user-agent': 'docker/20.10.24 go/go1.19.8 UpstreamClient(Docker-Client/20.10.24)',
    accept:
      'application/vnd.docker.distribution.manifest.list.v2+json, application/json, application/vnd.oci.image.index.v1+json',
    connection: 'close',
  }
  const ping = await client.send('GET', '/v2/', { headers })
  const head = await client.send('HEAD', `/v2/library/nginx/manifests/latest${query}`, { headers })
  const get = await client.send('GET', `/v2/library/nginx/manifests/${image.manifest.digest}${query}`, { headers })
  const layer = await client.send('GET', `/v2/library/nginx/blobs/${image.layers[0]!.digest}${query}`, { headers })
  return [ping, head, get, layer].map(({ status }) => status)
}

/** A cluster into which somebody has pushed an image `library/nginx` of his own. */
async function withOurNginx(overrides: readonly string[]): Promise<Topology> {
  const shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], overrides })
  await pushImage(registryClient(shoal.url('proxy-1', 'registry')), 'library/nginx', image, ['latest'])
  return shoal
}

test('docker with an agent as a mirror of docker.io gets nothing of ours, and goes on to docker.io', async () => {
  await using shoal = await withOurNginx(['agent.registry.default=none'])
  expect(await asDocker(shoal)).toEqual([200, 404, 404, 404])
  expect(await asDocker(shoal, '?ns=docker.io')).toEqual([200, 404, 404, 404])
  const refused = await fetch(`${shoal.url('agent-1', 'registry')}/v2/library/nginx/manifests/latest`)
  expect(await refused.json()).toMatchObject({
    errors: [
      {
        code: 'NAME_UNKNOWN',
        message: expect.stringContaining('registry.default'),
        detail: { code: 'REGISTRY_UNSAID' },
      },
    ],
  })
})

test('docker gets ours by the address of an agent that says so, and never for docker.io', async () => {
  await using shoal = await withOurNginx([])
  expect(await asDocker(shoal)).toEqual([200, 200, 200, 200])
  expect(await asDocker(shoal, '?ns=docker.io')).toEqual([200, 404, 404, 404])
})
