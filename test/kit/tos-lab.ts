import {
  type Backend,
  type ConditionalApi,
  type TosConfig,
  tosApi,
  tosBackend,
  tosSchema,
  tosSession,
} from '../../lib/backend/index.ts'
import { type Clock, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type RecordingLogger, recordingLogger } from '../../lib/telemetry/index.ts'
import { plainGovernor } from './plain-governor.ts'
import { TOS_KEY_ID, TOS_SECRET, type TosServer, type TosServerInit, tosServer } from './tos-server/index.ts'

export interface TosLabInit extends TosServerInit {
  /** Config keys that replace those derived from the server. */
  readonly config?: Readonly<Record<string, unknown>>
  /** The clock of the client. */
  readonly clientClock?: Clock
}

/** For requests without a bandwidth limit. */
export const unpaced = { pace: () => Promise.resolve() }

/** The emulator and its clients. */
export interface TosLab extends AsyncDisposable {
  readonly server: TosServer
  readonly config: TosConfig
  /** What the clients logged. */
  readonly logger: RecordingLogger
  /** Requests without retries or parts. */
  readonly api: ConditionalApi
  /** Opens another client, with retries that do not wait. */
  open(): Backend
}

export async function tosLab(init: TosLabInit = {}): Promise<TosLab> {
  const server = await tosServer(init)
  const logger = recordingLogger()
  const config = tosSchema.parse({
    driver: 'tos',
    bucket: server.bucketName,
    region: server.region,
    endpoint: server.endpoint,
    credentials: { accessKeyId: TOS_KEY_ID, secretAccessKey: TOS_SECRET },
    ...init.config,
  })
  const components = { clock: init.clientClock ?? systemClock(), random: systemRandom(), logger }
  const session = tosSession(components, config)
  const backends: Backend[] = []
  return {
    server,
    config,
    logger,
    api: tosApi(session, config.bucket),
    open() {
      const backend = tosBackend({ ...components, governor: plainGovernor() }, config)
      backends.push(backend)
      return backend
    },
    async [Symbol.asyncDispose]() {
      for (const backend of backends) await backend.stop()
      await session.stop()
      await server[Symbol.asyncDispose]()
    },
  }
}
