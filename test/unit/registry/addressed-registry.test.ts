import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { memoryRegistryStorage, type RegistryInit } from '../../../lib/registry/index.ts'
import { agentSchema } from '../../../services/agent/config.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { serveRegistry } from '../../contract/registry/serve-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'

const image = imageFixture(seededRandom(9))
const blob = image.layers[0]!.digest

/** A registry with our own `library/nginx`, behind a front that is called and configured like this. */
async function ask(init: Partial<RegistryInit>, { ns, host }: { readonly ns?: string; readonly host?: string }) {
  const storage = memoryRegistryStorage()
  await using own = await serveRegistry(storage)
  await pushImage(registryClient(own.url), 'library/nginx', image, ['latest'])
  await using front = await serveRegistry(storage, init)
  const client = registryClient(front.url)
  const query = ns === undefined ? '' : `?ns=${ns}`
  const headers = host === undefined ? {} : { host }
  const paths = ['manifests/latest', `manifests/${image.manifest.digest}`, `blobs/${blob}`, 'tags/list']
  const answers = await Promise.all(
    paths.flatMap((path) =>
      (['GET', 'HEAD'] as const).map((method) => client.send(method, `/v2/library/nginx/${path}${query}`, { headers })),
    ),
  )
  const catalog = await client.send('GET', `/v2/_catalog${query}`, { headers })
  const ping = await client.send('GET', `/v2/${query}`, { headers })
  expect(ping.status).toBe(200)
  const { errors } = answers[0]!.json() as { errors?: readonly { code: string; detail?: { code?: string } }[] }
  return {
    statuses: [...new Set([...answers, catalog].map(({ status }) => status))],
    code: errors?.[0]?.detail?.code ?? errors?.[0]?.code,
  }
}

const none = {
  ownNames: ['registry.example.com'],
  ownHosts: ['own.example.com', '*.shoal.test'],
  default: 'none',
} as const
const ours = { statuses: [200], code: undefined }
const unsaid = { statuses: [404], code: 'REGISTRY_UNSAID' }
const foreign = { statuses: [404], code: 'NAME_UNKNOWN' }

test.each([
  ['docker to its mirror, which names nobody', none, {}, unsaid],
  ['docker to its mirror by address', none, { host: '127.0.0.1:65001' }, unsaid],
  ['a request with an empty ns', none, { ns: '' }, unsaid],
  ['containerd for docker.io', none, { ns: 'docker.io' }, foreign],
  ['containerd for docker.io, to a host of ours', none, { ns: 'docker.io', host: 'own.example.com' }, foreign],
  ['containerd for one of our names', none, { ns: 'Registry.example.com' }, ours],
  ['containerd for one of our names and docker.io', none, { ns: 'registry.example.com&ns=docker.io' }, foreign],
  ['docker to a host of ours', none, { host: 'own.example.com' }, ours],
  ['docker to a host of ours with a port', none, { host: 'OWN.example.com:65001' }, ours],
  ['docker to a host below a name of ours', none, { host: 'a.shoal.test' }, ours],
  ['docker to a host that only looks like ours', none, { host: 'own.example.com.evil.test' }, unsaid],
  ['docker to one of our names, which is no host of ours', none, { host: 'registry.example.com' }, unsaid],
  ['anybody where nothing else is served', { ownNames: [] }, {}, ours],
  ['containerd for docker.io where nothing else is served', { ownNames: [] }, { ns: 'docker.io' }, foreign],
] as const)('%s', async (_who, init, request, expected) => {
  expect(await ask(init, request)).toEqual(expected)
})

test('an agent whose config says nothing of it serves nobody who says nothing', () => {
  const { registry } = agentSchema.parse({})
  expect([registry.default, registry.ownHosts, registry.ownNames]).toEqual(['none', [], []])
})
