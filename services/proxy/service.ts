import { buildIndexCluster, originCluster } from '../../lib/api/index.ts'
import { lifecycle, type Random, type Startable } from '../../lib/base/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import type { ReadinessCheck } from '../../lib/service/index.ts'
import {
  clusterHttp,
  opsListener,
  type Runtime,
  serviceCluster,
  serviceListener,
  serviceRuntime,
  serviceState,
} from '../../lib/service/index.ts'
import { blobTraffic, type Logger } from '../../lib/telemetry/index.ts'
import type { ProxyConfig } from './config.ts'
import { manifestBytes } from './manifest-bytes.ts'
import { originSessions } from './origin-session.ts'
import { proxyStorage } from './registry-storage.ts'
import { proxyServerRoutes } from './server.ts'

/** What stands in for the real thing: in a herd, in tests. */
export type ProxyComponents = Partial<Runtime>

export interface ProxyService extends Startable {
  /** Base URL of the registry, once started. */
  readonly url: string
  readonly opsUrl: string
}

/** One proxy. It holds no state: any number may serve one cluster. @throws INSECURE_BIND, CONFIG_INVALID */
export function proxyService(components: ProxyComponents, config: ProxyConfig): ProxyService {
  const runtime = serviceRuntime('proxy', config, components)
  const { metrics, random, logger } = runtime
  const http = clusterHttp(runtime, config)
  const originRing = serviceCluster(runtime, { name: 'origins', ...config.origins })
  const indexRing = serviceCluster(runtime, { name: 'buildIndexes', ...config.buildIndexes })
  const origins = originCluster({ http, cluster: originRing })
  const traffic = blobTraffic(metrics)
  const onReceived = (from: 'origin' | 'cache', bytes: number) => traffic.received(from, bytes)

  const storage = proxyStorage({
    index: buildIndexCluster({ http, cluster: indexRing }),
    origins,
    sessions: originSessions({ origins, cluster: originRing, random }),
    manifests: manifestBytes({ origins, onReceived }, { maxBytes: config.cache.manifests }),
    onReceived,
  })
  const uploadSecret = config.registry.uploadSecret ?? ownSecret(random, logger)
  const registry = serviceListener(runtime, config, {
    name: 'registry',
    listener: config.registry.listener,
    routes: proxyServerRoutes(storage, { registry: config.registry, uploadSecret, traffic }),
    envelope: 'registry',
  })
  const state = serviceState()
  const checks = { service: state.check, origins: someHealthy(originRing), buildIndexes: someHealthy(indexRing) }
  const ops = opsListener(runtime, config, { listener: config.ops, checks })
  return {
    ...state.around(lifecycle([http, ops, registry])),
    get url() {
      return registry.url
    },
    get opsUrl() {
      return ops.url
    },
  }
}

function ownSecret(random: Random, logger: Logger): Uint8Array {
  logger.warn('no registry.uploadSecret: uploads cannot go on at another proxy or after a restart')
  return random.bytes(32)
}

function someHealthy(cluster: Cluster): ReadinessCheck {
  return () => (cluster.members.some(({ id }) => cluster.isHealthy(id)) ? undefined : 'no member answers')
}
