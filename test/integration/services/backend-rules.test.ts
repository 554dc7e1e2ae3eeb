import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { eventually } from '../../kit/eventually.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { linkBlob } from '../../kit/link-blob.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { startTopology } from '../../kit/topology.ts'

/** A cluster in this process whose origins have a backend rule only for repositories below `team/`. */
function startLab() {
  return buildResource(async (stack) => {
    const backends = stack.own(await tempFolder('backends')).path
    const rule = { repository: 'team/*', backend: { driver: 'file', folder: join(backends, 'team') } }
    const counts = { agents: 1, origins: 1, trackers: 1 }
    const overrides = [`origin.backends=${JSON.stringify([rule])}`]
    const shoal = stack.own(await startTopology({ ...counts, processes: [], overrides }))
    return { shoal, backends, proxy: registryClient(shoal.url('proxy-1', 'registry')) }
  })
}

test('a push to a repository without a backend is refused before its bytes are sent, in words that docker prints', async () => {
  await using lab = await startLab()
  const random = seededRandom(31)
  const { digest } = imageFixture(random).layers[0]!
  const refused = await lab.proxy.send('POST', '/v2/other/app/blobs/uploads/')
  expect([refused.status, refused.json()]).toEqual([
    404,
    {
      errors: [
        {
          code: 'NAME_UNKNOWN',
          message: expect.stringContaining('no backend rule fits the repository'),
          detail: { code: 'NO_BACKEND_RULE', repository: 'other/app' },
        },
      ],
    },
  ])
  const origin = await fetch(`${lab.shoal.url('origin-1')}/namespace/other%2Fapp/blobs/${digest}`)
  expect([origin.status, await origin.json()]).toMatchObject([404, { error: { code: 'NO_BACKEND_RULE' } }])
  await pushImage(lab.proxy, 'team/app', imageFixture(random), ['t'])
})

test('a pull of a blob from a repository without a backend ends at once, and says why', async () => {
  await using lab = await startLab()
  const { digest, bytes } = imageFixture(seededRandom(32)).layers[0]!
  await linkBlob(lab.shoal, 'other/app', digest, bytes.length)
  const agent = registryClient(lab.shoal.url('agent-1', 'registry'))
  const refused = await agent.send('GET', `/v2/other/app/blobs/${digest}`)
  expect([refused.status, refused.json()]).toMatchObject([
    404,
    { errors: [{ code: 'NAME_UNKNOWN', detail: { code: 'NO_BACKEND_RULE' } }] },
  ])
})

test('an origin whose backend is away says so, with its rule and the code', async () => {
  await using lab = await startLab()
  const ready = async () => (await fetch(`${lab.shoal.url('origin-1', 'ops')}/readyz`)).json()
  await eventually(async () => expect(await ready()).toEqual({ status: 'ready' }))
  await rename(join(lab.backends, 'team'), join(lab.backends, 'gone'))
  await eventually(async () =>
    expect(await ready()).toEqual({
      status: 'not ready',
      missing: { 'backend for team/*': 'the backend does not answer (BACKEND_UNAVAILABLE)' },
    }),
  )
  await rename(join(lab.backends, 'gone'), join(lab.backends, 'team'))
  await eventually(async () => expect(await ready()).toEqual({ status: 'ready' }))
})
