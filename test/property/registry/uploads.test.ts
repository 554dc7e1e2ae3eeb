import { test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom } from '../../../lib/base/index.ts'
import { memoryRegistryStorage, registryRoutes } from '../../../lib/registry/index.ts'
import { FUZZ_MS, fuzzRuns } from '../../kit/fuzz-runs.ts'
import { memoryListener } from '../../kit/memory-listener.ts'
import { UploadModel, uploadSteps } from './upload-model.ts'

test(
  'uploads in any order, with wrong offsets, lengths and digests, cut off and twice at once, are what a model says',
  async () => {
    await fc.assert(
      fc.asyncProperty(uploadSteps, async (steps) => {
        const storage = memoryRegistryStorage({ random: seededRandom(1) })
        const routes = registryRoutes(storage, { ownNames: [], uploadSecret: 'secret of the test' })
        const model = new UploadModel(memoryListener(routes))
        for (const one of steps) await model.does(one)
      }),
      fuzzRuns('uploads', 300),
    )
  },
  FUZZ_MS,
)
