import { seededRandom } from '../../lib/base/index.ts'
import { memoryRegistryStorage } from '../../lib/registry/index.ts'
import { serveRegistry } from '../contract/registry/serve-registry.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { type RegistryClient, registryClient } from './registry-client.ts'
import { buildResource } from './resource-stack.ts'
import { startTopology, type Topology } from './topology.ts'

interface UpstreamLab {
  readonly topology: Topology
  /** What stands in front of the upstream, and counts its requests. */
  readonly front: FaultProxy
  /** The upstream's name in images. */
  readonly host: string
  /** Pushes to the upstream, past its front. */
  readonly upstream: RegistryClient
  /** The first agent, and the second one if there is one. */
  readonly agent: RegistryClient
  readonly second: RegistryClient
  /** Requests that have come to the upstream, as `GET /v2/...`. */
  asked(): readonly string[]
}

export interface UpstreamLabInit {
  readonly agents?: number
  /** More keys of the only rule, e.g. `fresh`, which is a build-index's. */
  readonly rule?: object
  readonly fresh?: string
  readonly overrides?: readonly string[]
  /** A mount point of the agents, whose default is the upstream. */
  readonly mount?: string
}

/** A cluster in this process, any registry on a port of this machine as its upstream, and one such registry. */
export const upstreamLab = ({ agents = 1, rule = {}, fresh = '0s', overrides = [], mount }: UpstreamLabInit = {}) =>
  buildResource<UpstreamLab>(async (stack) => {
    const behind = stack.own(await serveRegistry(memoryRegistryStorage({ random: seededRandom(3) })))
    const front = stack.own(await faultProxy({ target: behind.url }))
    const host = new URL(front.url).host
    const mounts = mount === undefined ? [] : [{ path: mount, default: host }]
    const upstream = { registry: '127.0.0.1:*', plainHttp: true, inner: true, ...rule }
    const topology = stack.own(
      await startTopology({
        ...{ agents, origins: 2, trackers: 1, processes: [] },
        overrides: [
          `origin.upstreams=${JSON.stringify([upstream])}`,
          `buildIndex.upstreams=${JSON.stringify([{ ...upstream, fresh }])}`,
          'agent.registry.upstreams=["127.0.0.1:*"]',
          `agent.registry.mounts=${JSON.stringify(mounts)}`,
          ...overrides,
        ],
      }),
    )
    return {
      topology,
      front,
      host,
      upstream: registryClient(behind.url),
      agent: registryClient(topology.url('agent-1', 'registry')),
      second: registryClient(topology.url(agents > 1 ? 'agent-2' : 'agent-1', 'registry')),
      asked: () => front.faults.requests.map(({ method, url }) => `${method} ${url}`),
    }
  })
