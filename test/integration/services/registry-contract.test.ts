import { seededRandom } from '../../../lib/base/index.ts'
import { registryManifestSuite } from '../../contract/registry/registry-manifest-suite.ts'
import { registryPullSuite } from '../../contract/registry/registry-pull-suite.ts'
import { registrySuite } from '../../contract/registry/registry-suite.ts'
import { registryUploadSuite } from '../../contract/registry/registry-upload-suite.ts'
import { pushImage, REPOSITORY } from '../../contract/registry/running-registry.ts'
import { atAgent, listening, PROXY_AND_AGENT, proxyAndAgent, startWhole } from '../../contract/registry/whole-shoal.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'

registrySuite('the proxy of a whole shoal', async () => listening(await startWhole(), 'proxy-1'))

const pullFixtureOf: Parameters<typeof registryPullSuite>[1] = async ({ image, tags }) => {
  const shoal = await startWhole()
  const proxy = registryClient(shoal.url('proxy-1', 'registry'))
  await pushImage(proxy, REPOSITORY, image, tags)
  await pushImage(proxy, 'suite/other', imageFixture(seededRandom(1), [10]), ['v1'])
  return listening(shoal, 'agent-1')
}

registryPullSuite('the agent of a whole shoal', pullFixtureOf)

registryUploadSuite(PROXY_AND_AGENT, proxyAndAgent, atAgent)
registryManifestSuite(PROXY_AND_AGENT, proxyAndAgent, atAgent)
