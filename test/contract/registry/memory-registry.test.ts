import { seededRandom } from '../../../lib/base/index.ts'
import { memoryRegistryStorage } from '../../../lib/registry/index.ts'
import { clientTracesSuite, TRACED_REGISTRY } from './client-traces-suite.ts'
import { registryConformanceSuite } from './registry-conformance-suite.ts'
import { registrySuite } from './registry-suite.ts'
import { serveRegistry } from './serve-registry.ts'

const name = 'the registry in memory'
const make = (ownNames: readonly string[] = []) =>
  serveRegistry(memoryRegistryStorage({ random: seededRandom(3) }), { ownNames })

registrySuite(name, make)
registryConformanceSuite(name, make)
clientTracesSuite(name, () => make([TRACED_REGISTRY]))
