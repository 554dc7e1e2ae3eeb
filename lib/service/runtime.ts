import { type Clock, type Random, systemClock, systemRandom } from '../base/index.ts'
import {
  type Envelope,
  type HttpClient,
  type HttpServer,
  httpClient,
  httpServer,
  opsRoutes,
  type ReadinessCheck,
  type Route,
} from '../http/index.ts'
import { type AnonymousRights, assertSafeBind, tokenAuthenticator } from '../identity/index.ts'
import { jsonLogger, type Logger, type Metrics, prometheusMetrics } from '../telemetry/index.ts'
import type { CommonConfig, ListenerConfig, ListeningConfig } from './config.ts'

/** What a service is made of besides its own parts; a test or the herd may bring its own. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

/** The real parts where `given` has none. */
export function serviceRuntime(service: string, config: CommonConfig, given: Partial<Runtime> = {}): Runtime {
  return {
    clock: given.clock ?? systemClock(),
    random: given.random ?? systemRandom(),
    logger: given.logger ?? jsonLogger({ level: config.log, service }),
    metrics: given.metrics ?? prometheusMetrics({ process: true }),
  }
}

export interface ListenerInit {
  /** `main`, `registry`, `ops` ...; stands in logs and metrics. */
  readonly name: string
  readonly listener: ListenerConfig
  readonly routes: readonly Route[]
  readonly envelope?: Envelope
  /** What callers without the token may do here; default: what the config says. */
  readonly anonymous?: AnonymousRights
}

/** The names by which the members of a cluster call each other. */
function memberHosts({ origins, trackers, buildIndexes }: ListeningConfig): readonly string[] {
  const members = [origins, trackers, buildIndexes].flatMap((ring) => ring?.members ?? [])
  return members.map(({ url }) => new URL(url).hostname.replace(/^\[|\]$/g, ''))
}

/** Clients call a registry by names that nobody can list, so only `hosts` limits them there. */
function knownHosts(config: ListeningConfig, envelope: Envelope | undefined): readonly string[] | 'any' {
  return envelope === 'registry' && config.hosts.length === 0 ? 'any' : [...config.hosts, ...memberHosts(config)]
}

/** A listener of a service, with the cluster token as its guard. @throws INSECURE_BIND */
export function serviceListener(runtime: Runtime, config: ListeningConfig, init: ListenerInit): HttpServer {
  const { listener, name, routes, envelope } = init
  assertSafeBind({ host: listener.bind.host, token: config.token, insecure: listener.insecure })
  const authenticate = tokenAuthenticator({ token: config.token, anonymous: init.anonymous ?? config.anonymous })
  return httpServer(
    { ...runtime, authenticate },
    {
      ...{ name, bind: listener.bind, routes, drainMs: config.drain, hosts: knownHosts(config, envelope) },
      ...(envelope === undefined ? {} : { envelope }),
    },
  )
}

/** The listener for probes and Prometheus. @throws INSECURE_BIND */
export function opsListener(
  runtime: Runtime,
  config: ListeningConfig,
  init: { readonly listener: ListenerConfig; readonly checks: Readonly<Record<string, ReadinessCheck>> },
): HttpServer {
  const routes = opsRoutes({ metrics: runtime.metrics, checks: init.checks })
  return serviceListener(runtime, config, { name: 'ops', listener: init.listener, routes })
}

/** Metainfo streams each hold a connection while a blob is brought; a dead host must not hold a pull. */
const clusterConnections = { connectionsPerOrigin: 1024, connectTimeoutMs: 2_000 }

/** The client with which a service calls the others; shows the cluster token. */
export function clusterHttp(runtime: Pick<Runtime, 'clock'>, config: CommonConfig): HttpClient {
  return httpClient({ clock: runtime.clock }, { token: config.token, ...clusterConnections })
}
