import { announceLimits, originCluster } from '../../lib/api/index.ts'
import type { Clock, Startable, Timer } from '../../lib/base/index.ts'
import { lookBudget } from '../../lib/http/index.ts'
import { clusterHttp, type Runtime, serviceCluster, serviceRuntime, serviceShell } from '../../lib/service/index.ts'
import { trackerAdminRoutes } from './admin.ts'
import { announcements } from './announcements.ts'
import type { TrackerConfig } from './config.ts'
import { type PeerRegistry, peerRegistry } from './peer-registry.ts'
import { policies } from './policy/policies.ts'
import { metainfoRelay } from './relay/metainfo-relay.ts'
import { seedRegistry } from './seeds/seed-registry.ts'
import { trackerServerRoutes } from './server.ts'

/** Replacements for parts of the tracker, given by the herd and by tests. */
export type TrackerComponents = Partial<Runtime>

export interface TrackerService extends Startable {
  /** Base URLs; known after the start. */
  readonly url: string
  readonly opsUrl: string
  readonly adminUrl: string
}

const SWEEP_MS = 30_000
/** What each caller may ask the origins for in vain. */
const LOOKS = { perSecond: 50, burst: 500 }

/** Regularly forgets expired peers, also in swarms without announces. */
function sweeper(clock: Clock, ...registries: readonly Pick<PeerRegistry, 'sweep'>[]): Startable {
  let timer: Timer | undefined
  const wait = () => {
    timer = clock.setTimer(
      SWEEP_MS,
      () => {
        for (const registry of registries) registry.sweep()
        wait()
      },
      { background: true },
    )
  }
  return {
    async start() {
      wait()
    },
    async stop() {
      timer?.cancel()
    },
  }
}

function registries(runtime: Runtime, { swarms, seeds: limits }: TrackerConfig) {
  const evicted = runtime.metrics.counter(
    { name: 'shoal_tracker_evicted_total', help: 'What made room because a limit was reached, by kind.' },
    ['kind'],
  )
  const counters = {
    entry: evicted.with({ kind: 'entry' }),
    swarm: evicted.with({ kind: 'swarm' }),
    node: evicted.with({ kind: 'node' }),
  }
  const seeds = seedRegistry(
    { ...runtime, onEvicted: () => counters.node.add() },
    { ...limits, maxSeedsPerNode: announceLimits.maxSeeds },
  )
  const registry = peerRegistry(
    { ...runtime, seeders: (...of) => seeds.count(...of), onEvicted: (kind) => counters[kind].add() },
    { maxEntries: swarms.maxEntries, maxSwarms: swarms.max, maxPeersPerSwarm: swarms.maxPeers },
  )
  return { registry, seeds }
}

/** One tracker. Its peers are in memory: after a restart the next announces bring them back. @throws INSECURE_BIND */
export function trackerService(components: TrackerComponents, config: TrackerConfig): TrackerService {
  const runtime = serviceRuntime('tracker', config, components)
  const http = clusterHttp(runtime, config)
  const cluster = serviceCluster(runtime, { name: 'origins', ...config.origins })
  const { registry, seeds } = registries(runtime, config)
  const announcing = announcements(
    { ...runtime, registry, seeds, order: policies[config.policy] },
    {
      perSecond: config.announce.perSecond,
      minMs: config.announce.minInterval,
      maxMs: config.announce.maxInterval,
    },
  )
  const relay = metainfoRelay(
    { ...runtime, cluster, origins: originCluster({ http, cluster }) },
    {
      cacheBytes: config.relay.cache,
      maxUpstreams: config.relay.maxUpstreams,
      lingerMs: config.relay.linger,
      missTtlMs: config.relay.missTtl,
    },
  )
  const routes = trackerServerRoutes({
    ...runtime,
    announcements: announcing,
    registry,
    seeds,
    relay,
    looks: lookBudget(runtime, LOOKS),
  })
  const shell = serviceShell(runtime, config, {
    kind: 'tracker',
    listeners: {
      http: { routes },
      admin: { routes: trackerAdminRoutes({ rings: { origins: cluster } }) },
    },
  })
  return {
    // Stop the relay before the listener: the listener waits for its streams, which do not end by themselves.
    ...shell.around([http, sweeper(runtime.clock, registry, seeds), ...shell.listeners, relay]),
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
