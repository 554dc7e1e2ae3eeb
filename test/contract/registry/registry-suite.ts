import { seededRandom } from '../../../lib/base/index.ts'
import { imageFixture } from '../../kit/image-fixture.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { registryManifestSuite } from './registry-manifest-suite.ts'
import { registryPullSuite } from './registry-pull-suite.ts'
import { registryReferrersSuite } from './registry-referrers-suite.ts'
import { registryUploadSuite } from './registry-upload-suite.ts'
import { pushImage, REPOSITORY, type RunningRegistry } from './running-registry.ts'

/** The whole contract of a writable registry: the content for the pull suite is pushed through its own API. */
export function registrySuite(name: string, make: () => Promise<RunningRegistry>): void {
  registryPullSuite(name, async ({ image, tags }) => {
    const registry = await make()
    const client = registryClient(registry.url)
    await pushImage(client, REPOSITORY, image, tags)
    await pushImage(client, 'suite/other', imageFixture(seededRandom(1), [10]), ['v1'])
    return registry
  })
  registryUploadSuite(name, make)
  registryManifestSuite(name, make)
  registryReferrersSuite(name, make)
}
