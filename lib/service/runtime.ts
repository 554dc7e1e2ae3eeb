import { type Clock, type Random, systemClock, systemRandom } from '../base/index.ts'
import { type HttpClient, httpClient } from '../http/index.ts'
import { jsonLogger, type Logger, type Metrics, prometheusMetrics } from '../telemetry/index.ts'
import type { CommonConfig } from './config.ts'
import { type ServiceKind, serviceFacts } from './service-table.ts'
import { unhandledRejections } from './unhandled.ts'

/** What a service is made of besides its own parts; a test or the herd may bring its own. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

/** The real parts where `given` has none. */
export function serviceRuntime(kind: ServiceKind, config: CommonConfig, given: Partial<Runtime> = {}): Runtime {
  const runtime = {
    clock: given.clock ?? systemClock(),
    random: given.random ?? systemRandom(),
    logger: given.logger ?? jsonLogger({ level: config.log, service: serviceFacts(kind).name }),
    metrics: given.metrics ?? prometheusMetrics({ process: true }),
  }
  // Named from the start, so that its zero can be seen.
  unhandledRejections(runtime.metrics)
  return runtime
}

/** Metainfo streams each hold a connection while a blob is brought; a dead host must not hold a pull. */
const clusterConnections = { connectionsPerOrigin: 1024, connectTimeoutMs: 2_000 }

/** The client with which a service calls the others; shows the cluster token. */
export function clusterHttp(runtime: Pick<Runtime, 'clock'>, config: CommonConfig): HttpClient {
  return httpClient({ clock: runtime.clock }, { token: config.token, ...clusterConnections })
}
