import type { Clock, Random } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Backend } from '../backend.ts'
import type { Governor } from '../governor.ts'
import { objectStoreBackend } from '../object-store/object-store-backend.ts'
import { provenConditions } from '../object-store/proven-conditions.ts'
import { RUN_BYTES } from '../units.ts'
import type { S3Bucket } from './config.ts'
import { s3Client } from './s3-client.ts'
import { s3Multipart } from './s3-multipart.ts'
import { s3Objects } from './s3-objects.ts'

export interface S3BackendComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly governor: Governor
}

/**
 * A bucket of Amazon S3, or of a backend with the same protocol. What the config says of its conditions is believed only
 * when the bucket has shown it.
 */
export function s3Backend({ clock, random, logger, governor }: S3BackendComponents, config: S3Bucket): Backend {
  const client = s3Client(config, logger)
  const components = { client, clock }
  return objectStoreBackend(
    {
      ...provenConditions({
        objects: s3Objects(components, config),
        multipart: s3Multipart(components, config),
        clock,
        random,
      }),
      governor,
      logger,
      clock,
      start: () => Promise.resolve(),
      async stop() {
        client.destroy()
      },
    },
    {
      partBytes: config.parts.size,
      parallel: config.parts.parallel,
      runBytes: RUN_BYTES,
      atomicConditions: config.conditionalWrites,
      atomicDeletes: config.conditionalWrites && config.conditionalDeletes,
    },
  )
}
