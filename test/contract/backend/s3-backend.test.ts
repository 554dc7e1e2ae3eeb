import { outcomeByName, outcomeByStatus } from '../../../lib/backend/outcomes.ts'
import { s3Schema } from '../../../lib/backend/s3/config.ts'
import { s3Backend } from '../../../lib/backend/s3/s3-backend.ts'
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { errorXml } from '../../kit/http-faults.ts'
import { plainGovernor } from '../../kit/plain-governor.ts'
import { startS3Server } from '../../kit/s3-server/index.ts'
import { backendSuite } from './backend-suite.ts'
import { MIB } from './backend-world.ts'

const isAbsence = (status: number) => outcomeByStatus[status]?.outcome === 'absence'

backendSuite('the S3 driver', async () => {
  const server = await startS3Server()
  const { bucket, endpoint, keys } = server
  const config = s3Schema.parse({ driver: 's3', bucket, endpoint, pathStyle: true, credentials: keys })
  const stops: (() => Promise<void>)[] = []
  return {
    async open() {
      const components = {
        clock: systemClock(),
        random: systemRandom(),
        logger: silentLogger(),
        governor: plainGovernor(),
      }
      const backend = s3Backend(components, config)
      await backend.start()
      stops.push(() => backend.stop())
      return backend
    },
    leftovers: async () => server.openUploads(),
    requests: {
      faults: server.faults,
      refusal: (status, reason) => errorXml(status, reason ?? (isAbsence(status) ? 'NoSuchKey' : 'OrderedByTheTest')),
      names: outcomeByName.s3,
      manyRequestBytes: 9 * MIB,
    },
    async dispose() {
      for (const stop of stops) await stop()
      await server[Symbol.asyncDispose]()
    },
  }
})
