import { buildIndexCluster, originCluster, sharedLooks } from '../../lib/api/index.ts'
import type { Random, Startable } from '../../lib/base/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import { type LoadLimits, lookBudget, requestRate } from '../../lib/http/index.ts'
import { joining } from '../../lib/joining/index.ts'
import { krakenProbes } from '../../lib/kraken/index.ts'
import { registryLoad } from '../../lib/registry/index.ts'
import type { ReadinessCheck } from '../../lib/service/index.ts'
import { clusterHttp, type Runtime, serviceCluster, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { blobTraffic, type Logger } from '../../lib/telemetry/index.ts'
import { registryAccess } from './access/registry-access.ts'
import { TOKEN_PATH } from './access/token-routes.ts'
import { proxyAdminRoutes } from './admin.ts'
import { blobHomes } from './blob-homes.ts'
import type { ProxyConfig } from './config.ts'
import { preloader } from './kraken/preload.ts'
import { proxyKrakenRoutes } from './kraken/routes.ts'
import { warmer } from './kraken/warmer.ts'
import { manifestBytes } from './manifest-bytes.ts'
import { originSessions } from './origin-session.ts'
import { proxyStorage } from './registry-storage.ts'
import { proxyServerRoutes } from './server.ts'

/** Replacements for parts of the proxy, given by the herd and by tests. */
export type ProxyComponents = Partial<Runtime>

export interface ProxyService extends Startable {
  /** Base URL of the registry; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

/**
 * What each client may ask for in vain. docker asks for each layer before it pushes it, so six pushes of 300 new layers
 * from one address fit in at once.
 */
const LOOKS = { perSecond: 100, burst: 2000 }

/** One proxy. It has no state but the users that a manager gives: any number may serve one cluster. @throws INSECURE_BIND, CONFIG_INVALID */
export function proxyService(components: ProxyComponents, config: ProxyConfig): ProxyService {
  const runtime = serviceRuntime('proxy', config, components)
  const { metrics, random, logger } = runtime
  const http = clusterHttp(runtime, config)
  const originRing = serviceCluster(runtime, { name: 'origins', ...config.origins, network: config.network })
  const indexRing = serviceCluster(runtime, { name: 'buildIndexes', ...config.buildIndexes, network: config.network })
  const origins = originCluster({ http, cluster: originRing })
  const traffic = blobTraffic(metrics)
  const onReceived = (from: 'origin' | 'cache', bytes: number) => traffic.received(from, bytes)

  const ringsByKey = { origins: originRing, buildIndexes: indexRing }
  const index = sharedLooks(buildIndexCluster({ http, cluster: indexRing }), runtime)
  const manifests = manifestBytes({ origins, onReceived }, { maxBytes: config.cache.manifests })
  const sessions = originSessions({ origins, cluster: originRing, random })
  const storage = proxyStorage({ index, origins, sessions, manifests, homes: blobHomes(), onReceived })
  const warming = warmer({ ...runtime, origins })
  const preload = config.preload && preloader(runtime, config.preload)
  const uploadSecret = config.registry.uploadSecret ?? ownSecret(random, logger)
  const looks = lookBudget(runtime, LOOKS)
  const access = registryAccess(runtime, config, uploadSecret)
  const rate = requestRate(runtime, {
    ...{ listener: 'registry', perSecond: config.registry.clientRequests, code: 'TOOMANYREQUESTS' },
  })
  const registry = { registry: config.registry, uploadSecret, traffic, looks, rate, access }
  const routes = proxyServerRoutes(storage, registry)
  const manager = joining(runtime, config, { kind: 'proxy', url: (at: 'ops' | 'admin') => shell.url(at) })
  const shell = serviceShell(runtime, config, {
    kind: 'proxy',
    steward: manager,
    rings: [originRing, indexRing],
    checks: { origins: someHealthy(originRing), buildIndexes: someHealthy(indexRing) },
    listeners: {
      registry: { routes, envelope: 'registry', identify: access?.identify, load: loadLimits(config.registry) },
      admin: { routes: proxyAdminRoutes({ rings: ringsByKey, given: access?.given }) },
      kraken: {
        routes: proxyKrakenRoutes({ ...runtime, index, origins, manifests, warmer: warming, preload }),
        probes: krakenProbes('proxy'),
        envelope: 'text',
      },
    },
  })
  return {
    ...shell.around([
      ...[http, ...(preload ? [preload] : []), warming],
      ...[...(access?.parts ?? []), ...shell.listeners, manager],
    ]),
    get url() {
      return shell.url('registry')
    },
    get opsUrl() {
      return shell.url('ops')
    },
    get adminUrl() {
      return shell.url('admin')
    },
  }
}

const loadLimits = ({ maxUploads, maxDownloads, clientShare }: ProxyConfig['registry']): LoadLimits => ({
  // A form of the token service is no upload, and must not wait for those.
  loadOf: (request) => (request.path === TOKEN_PATH ? undefined : registryLoad(request)),
  max: { uploads: maxUploads, downloads: maxDownloads },
  clientShare,
})

function ownSecret(random: Random, logger: Logger): Uint8Array {
  logger.warn('registry.uploadSecret is not set: uploads cannot continue at another proxy or after a restart')
  return random.bytes(32)
}

function someHealthy(cluster: Cluster): ReadinessCheck {
  return () => (cluster.members.some(({ id }) => cluster.isHealthy(id)) ? undefined : 'no member answers')
}
