import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { startTopology } from '../../kit/topology.ts'

test('an immutable tag takes its bytes again and no others, and a repository that was emptied is listed no longer', async () => {
  await using shoal = await startTopology({
    ...{ agents: 0, origins: 1, trackers: 1, processes: [] },
    overrides: ['buildIndex.immutableTags=[{"repository":"prod/*","tag":"v*"}]'],
  })
  const proxy = registryClient(shoal.url('proxy-1', 'registry'))
  const [first, second] = [imageFixture(seededRandom(1)), imageFixture(seededRandom(2))]
  await pushImage(proxy, 'prod/app', first, ['v1', 'latest'])
  await pushImage(proxy, 'prod/app', first, ['v1'])
  await pushImage(proxy, 'prod/app', second, ['latest'])
  const put = { body: second.manifest.bytes, headers: { 'content-type': second.manifest.mediaType } }
  const refused = await proxy.send('PUT', '/v2/prod/app/manifests/v1', put)
  expect([refused.status, refused.errorCode()]).toEqual([409, 'TAG_IMMUTABLE'])
  const kept = await proxy.send('GET', '/v2/prod/app/manifests/v1')
  expect(kept.body.equals(first.manifest.bytes)).toBe(true)

  for (const { manifest } of [first, second]) {
    expect((await proxy.send('DELETE', `/v2/prod/app/manifests/${manifest.digest}`)).status).toBe(202)
  }
  const catalog = await proxy.send('GET', '/v2/_catalog')
  expect(JSON.parse(catalog.body.toString())).toEqual({ repositories: [] })
  expect((await proxy.send('GET', '/v2/prod/app/tags/list')).status).toBe(404)
})
