import { z } from 'zod'
import { backendSchema } from '../../lib/backend/index.ts'
import { anonymousRights, duration, listener, logLevel } from '../../lib/config/index.ts'

/** Every key of a build-index; `config/build-index/base.yaml` shows them with their defaults. */
export const buildIndexSchema = z.strictObject({
  /** The API for proxies and agents. */
  http: listener.prefault({ bind: '127.0.0.1:62001' }),
  /** Probes and metrics. */
  ops: listener.prefault({ bind: '127.0.0.1:62003' }),
  /** Where the index lies. All build-indexes of a cluster name the same store. */
  backend: backendSchema.prefault({ driver: 'file', folder: 'data/backend' }),
  /** The cluster token that callers must show. */
  token: z.string().min(1).exactOptional(),
  /** What callers without the token may do. */
  anonymous: anonymousRights.exactOptional(),
  log: logLevel.default('info'),
  /** How long a stop waits for answers under way. */
  drain: duration.prefault('10s'),
  /** Pause between two looks at the store, for /readyz. */
  probeInterval: duration.prefault('5s'),
})

export type BuildIndexConfig = z.output<typeof buildIndexSchema>
