import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { blobStoreSuite } from './blob-store-suite.ts'

blobStoreSuite('in memory', async (init) => {
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const store = memoryStore({ clock, metrics, random: seededRandom(1), logger: silentLogger() }, init)
  await store.start()
  return {
    store,
    clock,
    metrics,
    async restart() {
      await store.stop()
      await store.start()
      return store
    },
    leftovers: async () => [],
    dispose: () => Promise.resolve(),
  }
})
