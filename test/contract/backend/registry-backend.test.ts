import { registryBackend } from '../../../lib/backend/index.ts'
import { outcomeByName } from '../../../lib/backend/outcomes.ts'
import { seededRandom, systemClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import {
  memoryRegistryStorage,
  type RegistryStorage,
  type Uploads,
  type WritableStorage,
} from '../../../lib/registry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { faultProxy } from '../../kit/fault-proxy.ts'
import { errorJson } from '../../kit/http-faults.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { serveRegistry } from '../registry/serve-registry.ts'
import { backendSuite } from './backend-suite.ts'
import { MIB } from './backend-world.ts'

/** The same storage, and the ids of uploads that were opened, but neither closed nor cancelled. */
function watchedUploads(storage: WritableStorage): {
  readonly storage: RegistryStorage
  readonly open: ReadonlySet<string>
} {
  const { uploads, edits } = storage.writes
  const open = new Set<string>()
  const watched: Uploads = {
    ...uploads,
    async create(repository, options) {
      const session = await uploads.create(repository, options)
      open.add(session.id)
      return session
    },
    async commit(repository, key, ...rest) {
      await uploads.commit(repository, key, ...rest)
      open.delete(key.id)
    },
    async cancel(repository, key, options) {
      await uploads.cancel(repository, key, options)
      open.delete(key.id)
    },
  }
  return { storage: { ...storage, writes: { uploads: watched, edits } }, open }
}

for (const chunk of [512 * 1024, 16 * 1024 * 1024]) {
  backendSuite(
    `the registry driver, with chunks of ${chunk} bytes,`,
    async () => {
      const stack = resourceStack()
      const { storage, open } = watchedUploads(memoryRegistryStorage({ random: seededRandom(7) }))
      const behind = stack.own(await serveRegistry(storage))
      const { url, faults } = stack.own(await faultProxy({ target: behind.url }))
      return {
        async open() {
          const backends = registryBackend(
            { clock: systemClock(), governor: plainGovernor() },
            { driver: 'registry', url, mode: 'read-write', repository: 'behind/{repository}', chunk },
          )
          await backends.start()
          stack.own({ [Symbol.asyncDispose]: () => backends.stop() })
          return backends.backendFor(parseRepository('team/app'))
        },
        leftovers: async () => [...open],
        requests: {
          faults,
          refusal: (status, code) => errorJson(status, code === undefined ? {} : { errors: [{ code }] }),
          names: outcomeByName.registry,
          manyRequestBytes: MIB + 1000,
        },
        dispose: async () => stack[Symbol.asyncDispose](),
      }
    },
    { keyFor: (bytes) => blobKey(digestOf(bytes)), lists: false },
  )
}
