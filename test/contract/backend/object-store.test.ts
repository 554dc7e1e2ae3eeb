import { type ObjectStoreInit, objectStoreBackend } from '../../../lib/backend/index.ts'
import { systemClock } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { memoryObjects } from '../../kit/memory-objects.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'
import { backendSuite } from './backend-suite.ts'

const KIB = 1024

const layer = (init: ObjectStoreInit) => async () => {
  const { uploads, ...memory } = memoryObjects()
  const lifecycle = { start: () => Promise.resolve(), stop: () => Promise.resolve() }
  const components = {
    ...memory,
    ...lifecycle,
    governor: plainGovernor(),
    logger: silentLogger(),
    clock: systemClock(),
  }
  return {
    open: async () => objectStoreBackend(components, init),
    leftovers: async () => uploads(),
    dispose: () => Promise.resolve(),
  }
}

backendSuite(
  'an object store',
  layer({ partBytes: 8 * KIB * KIB, parallel: 4, atomicConditions: true, atomicDeletes: true }),
)
backendSuite(
  'an object store in many parts',
  layer({ partBytes: 256 * KIB, parallel: 3, atomicConditions: true, atomicDeletes: true }),
  {
    keepsReplaced: false,
  },
)
