import type { Startable } from '../base/index.ts'
import { type Clock, openFileLimit, type Random, systemClock, systemRandom } from '../base/index.ts'
import { type HttpClient, httpClient } from '../http/index.ts'
import { type TlsIdentity, tlsIdentity } from '../identity/index.ts'
import {
  jsonLogger,
  type LeveledLogger,
  type Logger,
  leveledLogger,
  type Metrics,
  prometheusMetrics,
  type Tracer,
  tracedLogger,
} from '../telemetry/index.ts'
import type { CommonConfig } from './config.ts'
import { type ServiceKind, serviceFacts } from './service-table.ts'
import { serviceTracing } from './tracing.ts'
import { unhandledRejections } from './unhandled.ts'

/** The common parts that a service is built from; a test or the herd may supply its own. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Changes what the logger writes; never more than what was given as a logger writes. */
  readonly setLogLevel: LeveledLogger['setLevel']
  readonly metrics: Metrics
  /** Most files and connections that the process may have open; undefined where the system does not tell. */
  readonly openFiles: number | undefined
  /** Its certificate, and whom it trusts; undefined when the config names no files. */
  readonly tls?: TlsIdentity | undefined
  /** Makes traces; its logger names them. */
  readonly tracer: Tracer
  /** Brings them to the collector; the shell of the service starts and stops it. Undefined without one. */
  readonly exporter?: Startable | undefined
}

/** Uses the real part where `given` has none. */
export function serviceRuntime(kind: ServiceKind, config: CommonConfig, given: Partial<Runtime> = {}): Runtime {
  const parts = {
    clock: given.clock ?? systemClock(),
    random: given.random ?? systemRandom(),
    ...leveled(kind, config, given),
    metrics: given.metrics ?? prometheusMetrics({ process: true, exemplars: config.tracing.endpoint !== undefined }),
    openFiles: given.openFiles ?? openFileLimit(),
  }
  const tls = given.tls ?? identityOf(parts, config)
  const { tracer, exporter } =
    given.tracer === undefined
      ? serviceTracing({ ...parts, tls }, serviceFacts(kind).name, config)
      : { tracer: given.tracer, exporter: given.exporter }
  const isNew = given.tracer === undefined && tracer.isOn
  const logger = isNew ? tracedLogger(parts.logger, tracer) : parts.logger
  const runtime = { ...parts, tls, logger, tracer, exporter }
  // Registers the metric at the start, so that it is visible as 0.
  unhandledRejections(runtime.metrics)
  return runtime
}

/** What is given as a logger writes all that it writes, until it is told another level. */
function leveled(
  kind: ServiceKind,
  { log }: CommonConfig,
  { logger: given, setLogLevel }: Partial<Runtime>,
): Pick<Runtime, 'logger' | 'setLogLevel'> {
  if (given !== undefined && setLogLevel !== undefined) return { logger: given, setLogLevel }
  const inner = given ?? jsonLogger({ level: 'debug', service: serviceFacts(kind).name })
  const logger = leveledLogger(inner, given === undefined ? log : 'debug')
  return { logger, setLogLevel: (level) => logger.setLevel(level) }
}

const identityOf = (
  parts: Omit<Runtime, 'tls' | 'tracer' | 'exporter' | 'setLogLevel'>,
  { tls }: CommonConfig,
): TlsIdentity | undefined =>
  tls.certificate === undefined && tls.authorities.length === 0 ? undefined : tlsIdentity(parts, tls)

/**
 * Connections to one service in each lane. A metainfo stream keeps its connection while an origin brings the blob, so many
 * are needed for downloads.
 */
const LANES = { control: 256, upload: 512, download: 1024 }
/** Requests that wait for a connection in a lane; more are refused. */
const MAX_WAITING = 1024
/** A dead host must not delay a pull for long. */
const CONNECT_MS = 2_000

/** The HTTP client for calls to other services; it shows the secret that this one shows, and carries traces on. */
export function clusterHttp(runtime: Pick<Runtime, 'clock' | 'tls' | 'tracer'>, config: CommonConfig): HttpClient {
  return httpClient(
    { clock: runtime.clock },
    {
      token: config.secrets.shown?.(),
      tls: runtime.tls,
      tracer: runtime.tracer,
      connectionsPerOrigin: LANES,
      maxWaiting: MAX_WAITING,
      connectTimeoutMs: CONNECT_MS,
    },
  )
}
