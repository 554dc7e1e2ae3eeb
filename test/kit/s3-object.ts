import { s3Schema } from '../../lib/backend/s3/config.ts'
import { s3Backend } from '../../lib/backend/s3/s3-backend.ts'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { plainGovernor } from './plain-governor.ts'
import type { S3Server } from './s3-server/index.ts'

/** The config of a backend that keeps its objects in the bucket. */
export function s3Config({ bucket, endpoint, keys }: S3Server, more: object = {}): object {
  return { driver: 's3', bucket, endpoint, pathStyle: true, credentials: keys, ...more }
}

/** Puts an object into the bucket; returns the config of a backend that reads it, with what `more` says. */
export async function putOnS3(server: S3Server, key: string, object: Uint8Array, more: object = {}): Promise<object> {
  const config = s3Config(server, more)
  const parts = { clock: systemClock(), random: systemRandom(), logger: silentLogger(), governor: plainGovernor() }
  const writer = s3Backend(parts, s3Schema.parse(config))
  await writer.start()
  await writer.write(key, object, { size: object.length })
  await writer.stop()
  return config
}
