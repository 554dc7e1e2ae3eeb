import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe } from '@jest/globals'
import { defaultBackendLimits, governor, httpBackend } from '../../../lib/backend/index.ts'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository } from '../../../lib/core/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { backendSuite } from '../../contract/backend/backend-suite.ts'
import { nameSequence } from '../../contract/registry/running-registry.ts'
import { startNginx } from '../../kit/clients/index.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

describe('nginx', () => {
  const stack = resourceStack()
  const nextName = nameSequence('suite/n')
  let root = ''
  let url = ''

  beforeAll(async () => {
    root = stack.own(await tempFolder('files')).path
    url = stack.own(await startNginx({ root })).url
  })
  afterAll(async () => stack[Symbol.asyncDispose]())

  backendSuite(
    'the http driver',
    async () => {
      const clients = resourceStack()
      const name = nextName()
      return {
        async open() {
          const clock = systemClock()
          const limited = governor({ clock, random: systemRandom(), metrics: silentMetrics() }, defaultBackendLimits)
          const config = { driver: 'http', url: `${url}/{repository}/{key}`, headers: {} } as const
          const backends = httpBackend({ clock, governor: limited }, config)
          await backends.start()
          clients.own({ [Symbol.asyncDispose]: () => backends.stop() })
          return backends.backendFor(parseRepository(name))
        },
        async seed(key, bytes) {
          const file = join(root, name, key)
          await mkdir(dirname(file), { recursive: true })
          await writeFile(file, bytes)
        },
        leftovers: async () => [],
        dispose: async () => clients[Symbol.asyncDispose](),
      }
    },
    { keyFor: (bytes) => blobKey(digestOf(bytes)), writes: false, lists: false },
  )
})
