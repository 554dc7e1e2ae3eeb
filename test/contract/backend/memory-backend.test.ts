import { memoryBackend } from '../../../lib/backend/index.ts'
import { backendSuite } from './backend-suite.ts'

backendSuite('the memory driver', async () => {
  const backend = memoryBackend()
  return { open: async () => backend, leftovers: async () => [], dispose: () => backend.stop() }
})
