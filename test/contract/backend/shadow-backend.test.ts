import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe } from '@jest/globals'
import { type Backend, fileBackend, memoryBackend, openShadow } from '../../../lib/backend/index.ts'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { backendSuite } from './backend-suite.ts'
import type { BackendUnderTest } from './backend-world.ts'

const logger = silentLogger()

/** Opens clients of one shadow backend; `open` returns a client of each side. */
function shadowOf(writes: 'both' | 'primary', open: () => { readonly primary: Backend; readonly secondary: Backend }) {
  const clients: Backend[] = []
  return {
    async open() {
      const backend = openShadow({ logger, metrics: silentMetrics(), ...open() }, { writes, copyOnRead: true })
      if ('backendFor' in backend) throw new Error('plain backends make a plain backend')
      await backend.start()
      clients.push(backend)
      return backend
    },
    async stop() {
      await Promise.all(clients.map((client) => client.stop()))
    },
  }
}

describe.each(['both', 'primary'] as const)('with writes to %s', (writes) => {
  backendSuite('a shadow of two memories', async (): Promise<BackendUnderTest> => {
    const backends = { primary: memoryBackend(), secondary: memoryBackend() }
    const shadow = shadowOf(writes, () => backends)
    return { open: () => shadow.open(), leftovers: async () => [], dispose: () => shadow.stop() }
  })

  backendSuite('a shadow of a memory and a folder', async (): Promise<BackendUnderTest> => {
    const stack = resourceStack()
    const folder = stack.own(await tempFolder('shadow'))
    const primary = memoryBackend()
    const components = { clock: systemClock(), random: systemRandom(), logger }
    const shadow = shadowOf(writes, () => ({ primary, secondary: fileBackend(components, { folder: folder.path }) }))
    const filesIn = (name: string) => readdir(join(folder.path, name))
    return {
      open: () => shadow.open(),
      leftovers: async () => [...(await filesIn('.staging')), ...(await filesIn('.locks'))],
      async dispose() {
        await shadow.stop()
        await stack[Symbol.asyncDispose]()
      },
    }
  })
})
