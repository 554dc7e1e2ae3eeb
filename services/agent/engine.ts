import { buildIndexCluster, foreignSwarms, originCluster, trackerCluster, urlCluster } from '../../lib/api/index.ts'
import { collectGarbage } from '../../lib/base/index.ts'
import { peerIdOf } from '../../lib/core/index.ts'
import type { PieceDigester } from '../../lib/metainfo/index.ts'
import {
  clusterHttp,
  peerBalancersOf,
  peerTlsOf,
  type Runtime,
  serviceCluster,
  type Withheld,
} from '../../lib/service/index.ts'
import {
  type SettableLimits,
  type SwarmEngine,
  type SwarmStore,
  swarmEngine,
  tcpTransport,
} from '../../lib/swarm/index.ts'
import type { AgentConfig } from './config.ts'
import { clusterMetainfo, originPieces, trackerAnnouncer } from './swarm-sources.ts'

/** The agent's clients of the other services. */
export function clusterClients(runtime: Runtime, config: AgentConfig) {
  const http = clusterHttp(runtime, config)
  const ring = (name: 'origins' | 'trackers' | 'buildIndexes') =>
    serviceCluster(runtime, { name, ...config[name], network: config.network })
  const rings = { origins: ring('origins'), trackers: ring('trackers'), buildIndexes: ring('buildIndexes') }
  return {
    http,
    rings,
    origins: originCluster({ http, cluster: rings.origins }),
    trackers: trackerCluster({ http, cluster: rings.trackers, logger: runtime.logger }),
    urls: urlCluster({ http, cluster: rings.origins }),
    foreign: foreignSwarms({ http, cluster: rings.trackers }),
    index: buildIndexCluster({ http, cluster: rings.buildIndexes }),
  }
}

export type Clients = ReturnType<typeof clusterClients>

interface EngineParts {
  readonly store: SwarmStore
  readonly clients: Clients
  readonly digester: PieceDigester
  /** Proves to trackers that its announces come from the same peer. */
  readonly key: string
  readonly gives: Withheld
}

/** The limits of its swarms, as its config says. */
function settableOf(limits: AgentConfig['limits']): SettableLimits {
  const { connections, blobConnections, uploadSlots, window: windowBytes, pipeline: pipelineBlocks } = limits
  return { connections, blobConnections, uploadSlots, windowBytes, pipelineBlocks }
}

export function agentEngine(
  runtime: Runtime,
  config: AgentConfig,
  { store, clients, digester, key, gives }: EngineParts,
): SwarmEngine {
  const peerId = peerIdOf(key)
  const { zone, labels, network } = config
  const identity = { key, zone, labels, network }
  return swarmEngine(
    {
      ...runtime,
      store,
      announcer: trackerAnnouncer(clients.trackers, identity),
      metainfo: clusterMetainfo(clients.trackers, clients.origins, identity),
      pieces: originPieces(clients.origins, key),
      transport: tcpTransport({
        ...{ ...runtime, peerTls: peerTlsOf(runtime, config) },
        balancers: peerBalancersOf(runtime, config),
      }),
      prover: config.secrets.prover,
      foreign: config.swarm.foreignPeers ? clients.foreign : undefined,
      digester,
      collectGarbage: () => {
        digester.rest().catch(() => undefined)
        collectGarbage()
      },
    },
    {
      peerId,
      role: 'agent',
      zone,
      listen: config.peer.bind,
      uploadBytesPerSecond: config.limits.upload,
      downloadBytesPerSecond: config.limits.download,
      settable: settableOf(config.limits),
      allowedPeers: config.allowedPeers,
      verify: config.verify,
      gives,
    },
  )
}
