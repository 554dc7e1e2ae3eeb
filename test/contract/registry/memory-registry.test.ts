import { seededRandom } from '../../../lib/base/index.ts'
import { memoryRegistryStorage } from '../../../lib/registry/index.ts'
import { registryConformanceSuite } from './registry-conformance-suite.ts'
import { registrySuite } from './registry-suite.ts'
import { serveRegistry } from './serve-registry.ts'

const name = 'the registry in memory'
const make = () => serveRegistry(memoryRegistryStorage({ random: seededRandom(3) }))

registrySuite(name, make)
registryConformanceSuite(name, make)
