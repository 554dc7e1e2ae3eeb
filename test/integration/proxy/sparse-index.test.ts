import { expect, test } from '@jest/globals'
import { seededRandom } from '../../../lib/base/index.ts'
import { pushImage } from '../../contract/registry/running-registry.ts'
import { imageFixture, indexFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { startTopology } from '../../kit/topology.ts'

test('an index without all of its images is taken where the config says so, and only there', async () => {
  await using shoal = await startTopology({
    ...{ agents: 0, origins: 1, trackers: 1, processes: [] },
    overrides: ['proxy.registry.sparseIndexes=["mirror/*"]'],
  })
  const proxy = registryClient(shoal.url('proxy-1', 'registry'))
  const [here, elsewhere] = [imageFixture(seededRandom(1)), imageFixture(seededRandom(2))]
  const index = indexFixture([here, elsewhere])
  const pushed = []
  for (const name of ['mirror/app', 'team/app', 'a/mirror/app']) {
    await pushImage(proxy, name, here)
    const answer = await proxy.send('PUT', `/v2/${name}/manifests/v1`, {
      body: index.bytes,
      headers: { 'content-type': index.mediaType },
    })
    pushed.push([answer.status, answer.errorCode()])
  }
  const refused = [400, 'MANIFEST_BLOB_UNKNOWN']
  expect(pushed).toEqual([[201, undefined], refused, refused])
  const back = await proxy.send('GET', '/v2/mirror/app/manifests/v1')
  expect(back.body.equals(index.bytes)).toBe(true)
})
