import { seededRandom } from '../../../lib/base/index.ts'
import { memoryRegistryStorage } from '../../../lib/registry/index.ts'
import { registrySuite } from './registry-suite.ts'
import { serveRegistry } from './serve-registry.ts'

registrySuite('the registry in memory', () => serveRegistry(memoryRegistryStorage({ random: seededRandom(3) })))
