import { blobSender, originCluster, sharedLooks } from '../../lib/api/index.ts'
import { type Backend, backendProbe } from '../../lib/backend/index.ts'
import type { Startable } from '../../lib/base/index.ts'
import { lookBudget } from '../../lib/http/index.ts'
import { joining } from '../../lib/joining/index.ts'
import { krakenProbes } from '../../lib/kraken/index.ts'
import { clusterHttp, type Runtime, serviceCluster, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { buildIndexAdminRoutes } from './admin.ts'
import type { BuildIndexConfig } from './config.ts'
import type { CollectorInit } from './garbage/collector.ts'
import { krakenListRoutes } from './kraken/list-routes.ts'
import { krakenTagRoutes } from './kraken/tag-routes.ts'
import { linkMemory } from './link-memory.ts'
import { openIndex } from './open-index.ts'
import { openLookers } from './open-lookers.ts'
import { farEndRoutes } from './replication/far-end.ts'
import { replicateNow } from './replication/replicate-now.ts'
import { replicator } from './replication/replicator.ts'
import { buildIndexServerRoutes } from './server.ts'
import { buildIndexSteering } from './steering.ts'
import { openUpstreamIndex } from './upstream/open-upstream-index.ts'

/** Replacements for parts of the build-index, given by the herd and by tests. */
export interface BuildIndexComponents extends Partial<Runtime> {
  /** Replaces the backend that the config names. */
  readonly backend?: Backend
  /** Replaces times of the looks for garbage: no config has such short ones. */
  readonly garbageTimes?: Partial<CollectorInit>
}

export interface BuildIndexService extends Startable {
  /** Base URL of the API; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

/** What each caller may ask for in vain: more than a proxy lets through from several clients at once. */
const LOOKS = { perSecond: 500, burst: 5000 }

/** Whom it asks for settings; undefined where the config names none. */
const trackersOf = (runtime: Runtime, { trackers, network }: BuildIndexConfig) =>
  trackers && serviceCluster(runtime, { name: 'trackers', ...trackers, network })

/**
 * One build-index. It has no state of its own: any number may share a backend, and they share the work of the
 * replication. @throws INSECURE_BIND, REPLICATION_NEEDS_BACKEND
 */
export function buildIndexService(components: BuildIndexComponents, config: BuildIndexConfig): BuildIndexService {
  const runtime = serviceRuntime('buildIndex', config, components)
  const { cluster } = config
  const http = clusterHttp(runtime, config)
  const originRing = serviceCluster(runtime, { name: 'origins', ...config.origins, network: config.network })
  const origins = originCluster({ http, cluster: originRing })
  const trackers = trackersOf(runtime, config)
  const opened = openIndex(runtime, config, { given: components.backend })
  const { index, backends, probed, work, tags, kept, blobsFollow, followers } = opened
  const { remotes, hooks, given } = followers
  const everywhere = openUpstreamIndex(runtime, config, { own: index, place: work, http, originRing })
  const shared = linkMemory(sharedLooks(everywhere.index, runtime), runtime, { ttlMs: config.linkMemory })
  const sender = blobSender({ http, cluster: originRing })
  const replication = replicator(
    { ...runtime, work, index, tags, origins, sender, ...followers, followers: followers.all, cluster },
    config.replication,
  )
  const { desk } = replication
  const looking = { ...runtime, ...everywhere, kept, origins, originRing, http, cluster }
  const lookers = openLookers(looking, config, components.garbageTimes)
  const { garbage, retention } = lookers
  const { steering, asking } = buildIndexSteering({ ...runtime, http, trackers, links: shared, lookers }, config)
  const pulled = lookers.watched(shared)
  const probe = backendProbe(runtime, probed, { intervalMs: config.probeInterval })
  const self = () => ({ cluster, origins: config.replication.addresses ?? originRing.members })
  const admin = buildIndexAdminRoutes({
    ...{ garbage, retention, upstreams: everywhere, remotes, hooks, given, replication, index, changed: pulled },
    ...{ rings: { origins: originRing, ...(trackers && { trackers }) }, clock: runtime.clock, cluster, steering },
  })
  const routes = [
    ...buildIndexServerRoutes(pulled, lookBudget(runtime, LOOKS), { blobsFollow }),
    ...farEndRoutes({ index: shared, tags, origins, self }),
  ]
  const krakenRoutes = [...krakenTagRoutes(pulled, desk && replicateNow(desk, remotes)), ...krakenListRoutes(shared)]
  const manager = joining(runtime, config, { kind: 'buildIndex', url: (listener) => shell.url(listener) })
  const shell = serviceShell(runtime, config, {
    kind: 'buildIndex',
    steward: manager,
    rings: [originRing, ...(trackers === undefined ? [] : [trackers])],
    checks: { backend: probe.check },
    listeners: {
      http: { routes },
      admin: { routes: admin },
      kraken: { routes: krakenRoutes, probes: krakenProbes('build-index'), envelope: 'text' },
    },
  })
  // What was kept of the settings holds before any look begins.
  const looks = [asking, ...lookers.lookers]
  return {
    ...shell.around([http, backends, everywhere, probe, replication, ...looks, ...shell.listeners, manager]),
    get url() {
      return shell.url('http')
    },
    get opsUrl() {
      return shell.url('ops')
    },
    get adminUrl() {
      return shell.url('admin')
    },
  }
}
