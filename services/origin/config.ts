import { z } from 'zod'
import { announceLimits, liveKeys, placeKeys } from '../../lib/api/index.ts'
import { backendRulesSchema, backendSchema, upstreamRulesSchema, urlRulesSchema } from '../../lib/backend/index.ts'
import { byteSize, duration, networkName, peerAddress } from '../../lib/config/index.ts'
import { managerKey } from '../../lib/joining/index.ts'
import {
  checkForeignPeers,
  commonKeys,
  listenerOf,
  peerListenerOf,
  rings,
  secretsOf,
  swarmKeys,
} from '../../lib/service/index.ts'
import { type AllowedHost, parseAllowedHost } from './push/send-targets.ts'

const allowedHost = z.string().transform((text, context): AllowedHost => {
  const allowed = parseAllowedHost(text)
  if (allowed !== undefined) return allowed
  context.addIssue('a host to send to is like far.example.com, far.example.com:64001, [2001:db8::1] or *.example.com')
  return z.NEVER
})

const live = liveKeys.origin

const keys = z.strictObject({
  ...commonKeys,
  ...placeKeys,
  secrets: secretsOf('origin'),
  /** The member of `origins.members` that this process is. */
  member: z.string().min(1).default('origin-1'),
  /** The API for proxies, trackers, agents and the other origins. */
  http: listenerOf('origin', 'http'),
  /** Where agents connect to fetch pieces. */
  peer: peerListenerOf('origin'),
  /** Where agents of other networks connect, by the names of their networks: the addresses of balancers there. */
  peerAddresses: z
    .record(networkName, peerAddress)
    .refine((all) => Object.keys(all).length <= announceLimits.maxNetworks, 'too many networks')
    .prefault({}),
  /** Probes and metrics. */
  ops: listenerOf('origin', 'ops'),
  /** The admin API. */
  admin: listenerOf('origin', 'admin'),
  /** The manager that it joins, if there is one. */
  manager: managerKey,
  /** Folder of the local store: complete blobs, partial blobs and uploads. */
  folder: z.string().min(1).default('data/origin'),
  store: z
    .strictObject({
      /** Bytes that the store may use; near this limit the least recently used blobs are evicted. */
      capacity: byteSize.prefault('100GB'),
      /** Replaces `folder`: folders on separate disks, which share the capacity. */
      volumes: z.array(z.string().min(1)).default([]),
      /** Share of the capacity above which eviction begins. */
      highWatermark: live['store.highWatermark'].default(0.9),
      /** Share of the capacity at which eviction ends. */
      lowWatermark: live['store.lowWatermark'].default(0.8),
      /** Space on the disk that the store leaves free for other programs. */
      minFree: live['store.minFree'].prefault('512MiB'),
      /** An upload without a request for this long is removed. */
      uploadIdle: live['store.uploadIdle'].prefault('2h'),
    })
    .prefault({}),
  /** Uploads that are no blobs yet; those that nobody uses go before one is refused. */
  uploads: z
    .strictObject({
      /** Uploads that are open at the same time. */
      max: z.number().int().min(1).max(100_000).default(1000),
      /** Share of `store.capacity` that they may use together. */
      share: z.number().gt(0).max(1).default(0.9),
      /** One client may have at most this share of both. */
      clientShare: z.number().gt(0).max(1).default(0.75),
    })
    .prefault({}),
  /** Blobs that are brought from backends and from other origins. The same for all origins. */
  ingest: z
    .strictObject({
      /** How what nobody asked for of a blob is read while somebody wants some of it. */
      fill: live['ingest.fill'].prefault('20MB/s'),
      /** A blob that nobody wants for this long is not brought to its end. */
      idle: duration.refine((ms) => ms >= 1_000, 'at least 1s').prefault('30s'),
    })
    .prefault({}),
  /** Walks that give the present owners blobs that are in no backend, after the members have changed. */
  handOver: z
    .strictObject({
      /** Time from the end of a walk over all blobs to the next walk. The first walk follows the start. */
      interval: duration.prefault('1h'),
      /** Rate at which walks send blobs to other origins. */
      rate: live['handOver.rate'].prefault('50MB/s'),
    })
    .prefault({}),
  /** Reads stored blobs and compares them with their digests. */
  scrub: z
    .strictObject({
      /** Each blob is verified once in this period. */
      period: duration.prefault('30d'),
      /** Rate at which scrub reads the disk. */
      rate: live['scrub.rate'].prefault('20MB/s'),
    })
    .prefault({}),
  /** The backends of the cluster, by repository; the first rule that matches counts. The same for all origins. */
  backends: backendRulesSchema.prefault([{ repository: '*', backend: { driver: 'file', folder: 'data/backend' } }]),
  /** Registries of others, whose blobs come from there; the first rule that matches counts. The same for all origins. */
  upstreams: upstreamRulesSchema.prefault([]),
  /** What lies under URLs of web servers, as a blob. The same for all origins. */
  urls: z
    .strictObject({
      /** The URLs that may be brought. Default: none. */
      rules: urlRulesSchema.prefault([]),
      /** Where it is noted what each URL stands for; all origins use the same one. */
      records: backendSchema.prefault({ driver: 'file', folder: 'data/urls' }),
      /** For so long after a look the web server is not asked whether the content has changed. */
      freshFor: duration.prefault('1m'),
      /** While the web server does not answer, what it said at most so long ago counts. */
      outage: duration.prefault('24h'),
      /** Most URLs that one origin brings at the same time. */
      concurrency: z.number().int().min(1).max(1000).default(16),
    })
    .prefault({}),
  /** Blobs that were acknowledged with replicas and are not in the backend yet. */
  writeBack: z
    .strictObject({
      /** Folder of the journal, used by one process only. Default: `journal` in the origin's folder. */
      folder: z.string().min(1).exactOptional(),
      /** Share of `store.capacity` that such blobs may use; further pushes wait for the backend. 0: all pushes wait. */
      share: z.number().min(0).max(1).default(0.5),
      /** Blobs written to the backends at the same time. */
      concurrency: z.number().int().min(1).max(1000).default(4),
      /** Each further owner waits this much longer before it checks the backend, and writes a missing blob. */
      spareDelay: duration.prefault('1m'),
      /** Longest wait after the first failed try of a blob; it doubles up to `retryMax`. */
      retryMin: duration.prefault('1s'),
      retryMax: duration.prefault('5m'),
      /** Tries of a blob before it becomes a dead letter. */
      attempts: z.number().int().min(1).default(1000),
    })
    .prefault({}),
  /** Blobs that are sent to other clusters. */
  send: z
    .strictObject({
      /** The hosts of their origins; nothing is sent to others. */
      allow: z.array(allowedHost).prefault([]),
    })
    .prefault({}),
  /** The ring of origins. */
  origins: rings.origins,
  trackers: rings.trackers,
  /** How swarms work. */
  swarm: swarmKeys,
  /** Repositories whose blobs are given to nobody who pulls. */
  withhold: live.withhold.prefault([]),
  /** CIDRs of the networks that peers may belong to. */
  allowedPeers: z.array(z.string()).default(['0.0.0.0/0', '::/0']),
  limits: z
    .strictObject({
      /** Upload rate to all peers together. */
      upload: live['limits.upload'].prefault('unlimited'),
      /** Links to other nodes; each costs a file. */
      connections: live['limits.connections'].default(512),
      /** Connections that are opened for one blob; a third more may come from others. */
      blobConnections: live['limits.blobConnections'].default(24),
      /** Peers of one blob that are served at the same time. */
      uploadSlots: live['limits.uploadSlots'].default(24),
    })
    .prefault({}),
})

/** Every key of an origin; `config/origin/base.yaml` shows them with their defaults. */
export const originSchema = keys.superRefine(checkForeignPeers)

export type OriginConfig = z.output<typeof originSchema>
