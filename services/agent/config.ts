import { z } from 'zod'
import { liveKeys, placeKeys } from '../../lib/api/index.ts'
import { anonymousRights, duration, hostName, listenerOff } from '../../lib/config/index.ts'
import {
  checkForeignPeers,
  commonKeys,
  listenerOf,
  peerListenerOf,
  pullRulesSchema,
  rings,
  secretsOf,
  swarmKeys,
} from '../../lib/service/index.ts'
import { assignmentKey } from './assignment/config.ts'
import { forwardKeys } from './forward/config.ts'
import { checkFronts, frontDefault, frontListeners, mountList } from './fronts/config.ts'

const live = liveKeys.agent

const MOST_LINK_TTL_MS = 60 * 60_000
const MOST_OUTAGE_TTL_MS = 30 * 24 * 60 * 60_000

const MOST_LEAVE_MS = 10 * 60_000
const leaveTime = duration.refine((ms) => ms <= MOST_LEAVE_MS, 'at most 10m')

const headerName = z.string().regex(/^[A-Za-z0-9-]+$/)

/** Most headers of one agent that name registries. */
const MOST_HEADERS = 16

const keys = z.strictObject({
  ...commonKeys,
  ...placeKeys,
  secrets: secretsOf('agent'),
  registry: z
    .strictObject({
      /** Where docker and containerd pull from. */
      listener: listenerOf('agent', 'registry'),
      /** What a client without a secret may do; default read. A secret and a bind beyond this machine need it. */
      anonymous: anonymousRights.exactOptional(),
      /** Values of `ns` (the host in an image's name) that mean this cluster. */
      ownNames: z.array(z.string().min(1)).default([]),
      /** Hosts by which clients call this listener when they mean this cluster. */
      ownHosts: z.array(hostName).default([]),
      /** What a request without `ns` means that calls the listener by another host. */
      default: frontDefault.default('none'),
      /** Registries of others whose images are served too: patterns of their hosts, and who may read there. */
      upstreams: live['registry.upstreams'].prefault([]),
      /** Headers that name such a registry by its URL. */
      upstreamHeaders: z.array(headerName).max(MOST_HEADERS).default(['X-Dragonfly-Registry']),
      /** Header by which a client says how important and urgent a read is: 1 to 3, nobody waits for it. */
      priorityHeader: headerName.default('X-Dragonfly-Priority'),
      /** Header by which a client says for which application it pulls. */
      applicationHeader: headerName.default('X-Dragonfly-Application'),
      /** Header by which a client says whether the rest of a blob is brought, too, of which it reads a range. */
      prefetchHeader: headerName.default('X-Dragonfly-Prefetch'),
      /** The same, for clients that do not say it. */
      fill: live['registry.fill'].default(false),
      /** Paths in front of `/v2/`, each with a default of its own. */
      mounts: mountList,
      /** Further listeners for clients, each with a name, an address, a default and mount points of its own. */
      listeners: frontListeners,
      /** The proxy for requests to hosts elsewhere, at the usual listener. */
      forward: forwardKeys,
      /** Requests per second that one client may send, besides pings; default any number. */
      clientRequests: live['registry.clientRequests'],
      /** How long the cluster may take to begin with what comes from such a registry. */
      upstreamWait: live['registry.upstreamWait'].prefault('2500ms'),
      /** How long a blob of a repository is given without asking the build-index again. */
      linkTtl: duration.refine((ms) => ms <= MOST_LINK_TTL_MS, 'at most 1h').prefault('30s'),
      /** How long what the build-index said of a repository counts while no build-index answers. */
      outageTtl: duration.refine((ms) => ms <= MOST_OUTAGE_TTL_MS, 'at most 30d').prefault('24h'),
    })
    .superRefine(checkFronts)
    .prefault({}),
  /** How pulls count beside each other, and which are refused. */
  pulls: pullRulesSchema,
  /** Repositories whose blobs are not given to peers. */
  withhold: live.withhold.prefault([]),
  /** Where other agents connect to fetch pieces. */
  peer: peerListenerOf('agent'),
  /** How it goes where clients find it by a name: they know its address for a while, and keep to their connections. */
  leave: z
    .strictObject({
      /** So long it serves on as before: until its record is gone, and readers have forgotten it. */
      after: leaveTime.prefault('0s'),
      /** So long, after that, a stop waits while each answer asks its client to come no more on this connection. */
      close: leaveTime.prefault('0s'),
    })
    .prefault({}),
  /** Probes and metrics. */
  ops: listenerOf('agent', 'ops'),
  /** The admin API: the blobs that this agent holds, the peers it is connected to, and its last pulls. */
  admin: listenerOf('agent', 'admin'),
  /** Kraken's own paths: tags, blobs, preloads. What a client without a secret may do there is as at the registry. */
  kraken: listenerOff,
  /** Folder of the local store: cached blobs and partial blobs. */
  folder: z.string().min(1).default('data/agent'),
  store: z
    .strictObject({
      /** Bytes that the store may use; near this limit the least recently used blobs are evicted. */
      capacity: live['store.capacity'].prefault('50GB'),
      /** Replaces `folder`: folders on separate disks, which share the capacity. */
      volumes: z.array(z.string().min(1)).default([]),
      /** Space on the disk that the store leaves free for other programs. */
      minFree: live['store.minFree'].prefault('512MiB'),
      /** Share of the capacity above which eviction begins. */
      highWatermark: live['store.highWatermark'].default(0.9),
      /** Share of the capacity at which eviction ends. */
      lowWatermark: live['store.lowWatermark'].default(0.8),
    })
    .prefault({}),
  /** Which managers say to which cluster this agent belongs; the rings below count before one has said it. */
  manager: assignmentKey,
  origins: rings.origins,
  trackers: rings.trackers,
  buildIndexes: rings.buildIndexes,
  /** Trackers may tell this agent to fetch, delete and pin blobs, and ask what it holds. */
  orders: z.boolean().default(true),
  /** How swarms work. */
  swarm: swarmKeys,
  /** CIDRs of the networks that peers may belong to. */
  allowedPeers: z.array(z.string()).default(['0.0.0.0/0', '::/0']),
  limits: z
    .strictObject({
      /** Upload rate to all peers together. */
      upload: live['limits.upload'].prefault('unlimited'),
      /** Download rate from all peers and origins together. */
      download: live['limits.download'].prefault('unlimited'),
      /** Links to other nodes; each costs a file. */
      connections: live['limits.connections'].default(512),
      /** Connections that are opened for one blob; a third more may come from others. */
      blobConnections: live['limits.blobConnections'].default(24),
      /** Peers of one blob that are served at the same time. */
      uploadSlots: live['limits.uploadSlots'].default(24),
      /** What is asked for first, in front of a reader, at most. */
      window: live['limits.window'].prefault('16MiB'),
      /** Blocks of 256 KiB that are asked of one peer at a time, at most. */
      pipeline: live['limits.pipeline'].default(32),
    })
    .prefault({}),
  /** Reads cached blobs and compares them with their digests; a rotten one is removed. */
  scrub: z
    .strictObject({
      /** Each blob is verified once in this period. */
      period: duration.prefault('30d'),
      /** Rate at which scrub reads the disk. */
      rate: live['scrub.rate'].prefault('5MB/s'),
    })
    .prefault({}),
  /** `whole` also computes the digest of each blob; `pieces` checks only the piece hashes and is for measurements. */
  verify: z.enum(['pieces', 'whole']).default('whole'),
})

/** Two sources of the members of one ring would take them from each other. */
function checkAssigned({ manager, ...config }: z.output<typeof keys>, context: z.RefinementCtx): void {
  for (const ring of ['origins', 'trackers', 'buildIndexes'] as const) {
    if (manager === undefined || 'length' in config[ring].members) continue
    const message = 'with manager.assignment the members are a list: what counts before a manager has answered'
    context.addIssue({ code: 'custom', path: [ring, 'members'], message })
  }
}

/** Every key of an agent; `config/agent/base.yaml` shows them with their defaults. */
export const agentSchema = keys.superRefine(checkForeignPeers).superRefine(checkAssigned)

export type AgentConfig = z.output<typeof agentSchema>
