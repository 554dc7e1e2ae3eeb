import { announcingPeer, type ForeignSwarms, type TrackerCluster } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import type { Cluster } from '../../lib/cluster/index.ts'
import { type PeerId, peerIdOf } from '../../lib/core/index.ts'
import { inlineDigester } from '../../lib/metainfo/index.ts'
import { peerBalancersOf, peerTlsOf, type Runtime, type Withheld } from '../../lib/service/index.ts'
import {
  type SettableLimits,
  type SwarmEngine,
  type SwarmStore,
  swarmEngine,
  tcpTransport,
} from '../../lib/swarm/index.ts'
import type { OriginConfig } from './config.ts'

const nothingToPull = {
  // biome-ignore lint/correctness/useYield: this generator only throws when it is read
  async *open() {
    throw appError('BLOB_UNKNOWN')
  },
  // biome-ignore lint/correctness/useYield: the same
  async *read() {
    throw appError('BLOB_UNKNOWN')
  },
  want: () => Promise.resolve(),
}

export interface EngineParts {
  readonly runtime: Runtime
  readonly store: SwarmStore
  readonly trackers: TrackerCluster
  readonly foreign: ForeignSwarms
  readonly cluster: Cluster
  readonly gives: Withheld
}

/** An engine, and the id by which it announces itself. */
interface OwnEngine {
  readonly engine: SwarmEngine
  readonly peerId: PeerId
}

/** The limits of its swarms, as its config says. */
const settableOf = ({ connections, blobConnections, uploadSlots }: OriginConfig['limits']): SettableLimits => ({
  ...{ connections, blobConnections, uploadSlots },
})

/** The engine of an origin only gives: `ingest` brings missing blobs, the swarm never does. */
export function originEngine(
  { runtime, store, trackers, foreign, cluster, gives }: EngineParts,
  config: OriginConfig,
): OwnEngine {
  const key = Buffer.from(runtime.random.bytes(12)).toString('hex')
  const peerId = peerIdOf(key)
  const { zone, labels, network, peerAddresses } = config
  const addresses = Object.keys(peerAddresses).length > 0 ? peerAddresses : undefined
  const identity = { key, zone, labels, network, addresses }
  const engine = swarmEngine(
    {
      ...runtime,
      store,
      announcer: {
        announce: (self, batch, options) => trackers.announce(announcingPeer(self, identity), batch, options),
        tellSeeds: (self, changes, options) => trackers.tellSeeds(announcingPeer(self, identity), changes, options),
        onMoved: (listener) => trackers.onMoved(listener),
      },
      metainfo: nothingToPull,
      pieces: nothingToPull,
      transport: tcpTransport({
        ...{ ...runtime, peerTls: peerTlsOf(runtime, config) },
        balancers: peerBalancersOf(runtime, config),
      }),
      ring: { self: config.member, owners: (digest) => cluster.liveOwners(digest).map(({ id }) => id) },
      prover: config.secrets.prover,
      foreign: config.swarm.foreignPeers ? foreign : undefined,
      digester: inlineDigester(),
    },
    {
      peerId,
      role: 'origin',
      zone,
      listen: config.peer.bind,
      allowedPeers: config.allowedPeers,
      uploadBytesPerSecond: config.limits.upload,
      settable: settableOf(config.limits),
      gives,
    },
  )
  return { engine, peerId }
}
