import type { Clock, Random } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Backend } from '../backend.ts'
import type { Governor } from '../governor.ts'
import { objectStoreBackend } from '../object-store/object-store-backend.ts'
import { type ConditionalApi, provenConditions } from '../object-store/proven-conditions.ts'
import { RUN_BYTES } from '../units.ts'
import type { TosConfig } from './config.ts'
import { tosObjects } from './tos-api.ts'
import { tosParts } from './tos-parts.ts'
import { type TosSession, tosSession } from './tos-session.ts'

export interface TosBackendComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly governor: Governor
}

/** A bucket of TOS as a backend; ready without a start; `stop` closes its connections. */
export function tosBackend(components: TosBackendComponents, config: TosConfig): Backend {
  const session = tosSession(components, config)
  return objectStoreBackend(
    {
      ...provenConditions({ ...components, ...tosApi(session, config.bucket) }),
      governor: components.governor,
      logger: components.logger,
      clock: components.clock,
      start: () => session.start(),
      stop: () => session.stop(),
    },
    {
      partBytes: config.parts.size,
      parallel: config.parts.parallel,
      runBytes: RUN_BYTES,
      atomicConditions: true,
      atomicDeletes: true,
    },
  )
}

/** The requests of a bucket of TOS. */
export function tosApi(session: TosSession, bucket: string): ConditionalApi {
  const place = { session, bucket }
  return { objects: tosObjects(place), multipart: tosParts(place) }
}
