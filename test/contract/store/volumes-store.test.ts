import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { diskStore } from '../../../lib/store/index.ts'
import { recordingMetrics, silentLogger } from '../../../lib/telemetry/index.ts'
import { strayFiles } from '../../kit/store-folder.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { blobStoreSuite } from './blob-store-suite.ts'

blobStoreSuite('on two volumes', async (init) => {
  const folder = await tempFolder('volumes')
  const volumes = ['one', 'two'].map((name) => join(folder.path, name))
  for (const volume of volumes) await mkdir(volume)
  const clock = fakeClock()
  const metrics = recordingMetrics()
  const random = seededRandom(1)
  const open = async () => {
    const components = { clock, metrics, random, logger: silentLogger() }
    const opened = diskStore(components, { ...init, folder: folder.path, volumes })
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
    leftovers: async () => (await Promise.all(volumes.map(strayFiles))).flat(),
    dispose: async () => folder[Symbol.asyncDispose](),
  }
})
