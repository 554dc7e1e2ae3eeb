import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileBackend } from '../../../lib/backend/index.ts'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { backendSuite } from './backend-suite.ts'

backendSuite('the file driver', async () => {
  const folder = await tempFolder('backend')
  const filesIn = (name: string) => readdir(join(folder.path, name))
  return {
    async open() {
      const components = { clock: systemClock(), random: systemRandom(), logger: silentLogger() }
      const backend = fileBackend(components, { folder: folder.path })
      await backend.start()
      return backend
    },
    leftovers: async () => [...(await filesIn('.staging')), ...(await filesIn('.locks'))],
    async dispose() {
      await folder[Symbol.asyncDispose]()
    },
  }
})
