import { type Backend, backendProbe, openBackend } from '../../lib/backend/index.ts'
import { type Clock, lifecycle, type Random, type Startable, systemClock, systemRandom } from '../../lib/base/index.ts'
import { httpServer, opsRoutes } from '../../lib/http/index.ts'
import { assertSafeBind, tokenAuthenticator } from '../../lib/identity/index.ts'
import { jsonLogger, type Logger, type Metrics, prometheusMetrics } from '../../lib/telemetry/index.ts'
import type { BuildIndexConfig } from './config.ts'
import { repositoryIndex } from './repository-index.ts'
import { buildIndexServerRoutes } from './server.ts'

/** What stands in for the real thing: in a herd, in tests. */
export interface BuildIndexComponents {
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: Logger
  readonly metrics?: Metrics
  /** Instead of the one that the config names. */
  readonly backend?: Backend
}

export interface BuildIndexService extends Startable {
  /** Base URL of the API, once started. */
  readonly url: string
  readonly opsUrl: string
}

/** One build-index. It holds no state of its own: any number may serve one backend. @throws INSECURE_BIND */
export function buildIndexService(components: BuildIndexComponents, config: BuildIndexConfig): BuildIndexService {
  for (const { bind, insecure } of [config.http, config.ops]) {
    assertSafeBind({ host: bind.host, token: config.token, insecure })
  }
  const clock = components.clock ?? systemClock()
  const random = components.random ?? systemRandom()
  const logger = components.logger ?? jsonLogger({ level: config.log, service: 'build-index' })
  const metrics = components.metrics ?? prometheusMetrics({ process: true })
  const shared = { clock, random, logger, metrics }

  const backend = components.backend ?? openBackend(shared, config.backend)
  const probe = backendProbe(shared, backend, { intervalMs: config.probeInterval })
  const authenticate = tokenAuthenticator({ token: config.token, anonymous: config.anonymous })
  const listeners = { ...shared, authenticate }
  const ops = httpServer(listeners, {
    name: 'ops',
    bind: config.ops.bind,
    routes: opsRoutes({ metrics, checks: { backend: () => probe.check() } }),
  })
  const http = httpServer(listeners, {
    name: 'http',
    bind: config.http.bind,
    routes: buildIndexServerRoutes(repositoryIndex({ backend, clock, random })),
    drainMs: config.drain,
  })
  return {
    ...lifecycle([backend, probe, ops, http]),
    get url() {
      return http.url
    },
    get opsUrl() {
      return ops.url
    },
  }
}
