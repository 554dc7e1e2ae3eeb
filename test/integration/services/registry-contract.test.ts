import { seededRandom } from '../../../lib/base/index.ts'
import { clientTracesSuite, TRACED_REGISTRY } from '../../contract/registry/client-traces-suite.ts'
import { registryConformanceSuite } from '../../contract/registry/registry-conformance-suite.ts'
import { registryManifestSuite } from '../../contract/registry/registry-manifest-suite.ts'
import { registryPullSuite } from '../../contract/registry/registry-pull-suite.ts'
import { registryReferrersSuite } from '../../contract/registry/registry-referrers-suite.ts'
import { registrySuite } from '../../contract/registry/registry-suite.ts'
import { registryUploadSuite } from '../../contract/registry/registry-upload-suite.ts'
import { pushImage, REPOSITORY } from '../../contract/registry/running-registry.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const start = (overrides: readonly string[] = []) =>
  startTopology({ agents: 1, origins: 2, trackers: 1, processes: [], overrides })
const listening = (shoal: Topology, id: string) => ({
  url: shoal.url(id, 'registry'),
  [Symbol.asyncDispose]: () => shoal[Symbol.asyncDispose](),
})

registrySuite('the proxy of a whole shoal', async () => listening(await start(), 'proxy-1'))

const pullFixtureOf: Parameters<typeof registryPullSuite>[1] = async ({ image, tags }) => {
  const shoal = await start()
  const proxy = registryClient(shoal.url('proxy-1', 'registry'))
  await pushImage(proxy, REPOSITORY, image, tags)
  await pushImage(proxy, 'suite/other', imageFixture(seededRandom(1), [10]), ['v1'])
  return listening(shoal, 'agent-1')
}

registryPullSuite('the agent of a whole shoal', pullFixtureOf)

/** Pushed at the proxy and read at an agent, which remembers nothing of what repositories have. */
const both = async () => {
  const forgetful = ['agent.registry.linkTtl=0s', 'buildIndex.linkMemory=0s']
  const shoal = await start([...forgetful, `agent.registry.ownNames=["${TRACED_REGISTRY}"]`])
  return { ...listening(shoal, 'proxy-1'), agent: listening(shoal, 'agent-1') }
}
const name = 'the proxy with the agent of a whole shoal'
const atAgent = ({ agent }: Awaited<ReturnType<typeof both>>) => agent

registryUploadSuite(name, both, atAgent)
registryManifestSuite(name, both, atAgent)
registryReferrersSuite(name, both, atAgent)
registryConformanceSuite(name, both, atAgent)
clientTracesSuite(name, both, atAgent)
