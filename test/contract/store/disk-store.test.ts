import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { diskStore } from '../../../lib/store/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { strayFiles } from '../../kit/store-folder.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { blobStoreSuite } from './blob-store-suite.ts'

blobStoreSuite('in a folder', async (init) => {
  const folder = await tempFolder('store')
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const random = seededRandom(1)
  const open = async () => {
    const opened = diskStore({ clock, metrics, random, logger: silentLogger() }, { ...init, folder: folder.path })
    await opened.start()
    return opened
  }
  let store = await open()
  return {
    store,
    clock,
    metrics,
    async restart() {
      await store.stop()
      store = await open()
      return store
    },
    leftovers: () => strayFiles(folder.path),
    dispose: async () => folder[Symbol.asyncDispose](),
  }
})
