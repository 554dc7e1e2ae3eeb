import { memoryBackend } from '../../../lib/backend/index.ts'
import { abortController } from '../../../lib/base/index.ts'
import { backendStorage } from '../../../services/build-index/replication/backend-storage.ts'
import { journalStorageSuite } from './journal-storage-suite.ts'

journalStorageSuite('in a backend', async () => ({
  storage: backendStorage(
    { backend: memoryBackend(), lease: { generation: 1, isHeld: () => true, signal: abortController().signal } },
    'replication/tasks/0/',
  ),
  dispose: () => Promise.resolve(),
}))
