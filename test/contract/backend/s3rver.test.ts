import { s3Schema } from '../../../lib/backend/s3/config.ts'
import { s3Backend } from '../../../lib/backend/s3/s3-backend.ts'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'
import { startS3rver } from '../../kit/s3rver.ts'
import { backendSuite } from './backend-suite.ts'

const MIB = 1024 * 1024

/** What s3rver lacks: conditions, ordered lists with pages, atomic replacement, and removals of exactly one key. */
const traits = { conditions: 'checked', lists: 'unordered', keepsReplaced: false, isolates: false } as const

const make = async () => {
  const server = await startS3rver()
  const { bucket, endpoint, keys } = server
  const own = { conditionalWrites: false, checksums: 'required' }
  const config = s3Schema.parse({ driver: 's3', bucket, endpoint, pathStyle: true, credentials: keys, ...own })
  const stops: (() => Promise<void>)[] = []
  return {
    async open() {
      const components = {
        clock: systemClock(),
        random: systemRandom(),
        logger: silentLogger(),
        governor: plainGovernor(),
      }
      // The parts are smaller than S3 allows, so that the suite's objects have several parts.
      const backend = s3Backend(components, { ...config, parts: { size: MIB, parallel: 3 } })
      await backend.start()
      stops.push(() => backend.stop())
      return backend
    },
    leftovers: () => server.openUploads(),
    async dispose() {
      for (const stop of stops) await stop()
      await server[Symbol.asyncDispose]()
    },
  }
}

backendSuite('the S3 driver with s3rver', make, traits)
