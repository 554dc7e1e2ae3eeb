import { z } from 'zod'
import { backendRulesSchema } from '../../lib/backend/index.ts'
import { byteSize, duration, rate } from '../../lib/config/index.ts'
import { commonKeys, listenerOf, rings } from '../../lib/service/index.ts'

/** Every key of an origin; `config/origin/base.yaml` shows them with their defaults. */
export const originSchema = z.strictObject({
  ...commonKeys,
  /** Which of `origins.members` this one is. */
  member: z.string().min(1).default('origin-1'),
  /** The API for proxies, trackers, agents and the other origins. */
  http: listenerOf('origin', 'http'),
  /** Where agents connect to for pieces. */
  peer: listenerOf('origin', 'peer'),
  /** Probes and metrics. */
  ops: listenerOf('origin', 'ops'),
  /** What the origin holds, and the work of the person on call. */
  admin: listenerOf('origin', 'admin'),
  /** The local store: blobs at rest and uploads under way. */
  folder: z.string().min(1).default('data/origin'),
  store: z
    .strictObject({
      /** Own bytes on disk; the least recently used blobs are evicted near it. */
      capacity: byteSize.prefault('100GB'),
      /** Instead of `folder`: folders on disks of their own. The capacity is that of all of them. */
      volumes: z.array(z.string().min(1)).default([]),
      /** Share of the capacity above which blobs are evicted. */
      highWatermark: z.number().gt(0).max(1).default(0.9),
      /** Share of the capacity down to which they then are. */
      lowWatermark: z.number().gt(0).max(1).default(0.8),
      /** Left free on the disk for everybody else. */
      minFree: byteSize.prefault('512MiB'),
      /** An upload that nobody has used for this long is removed. */
      uploadIdle: duration.prefault('1d'),
    })
    .prefault({}),
  /** Blobs that are in no backend go to those who own them now, after the members have changed. */
  handOver: z
    .strictObject({
      /** From the end of a walk over all blobs to the next one; the first one follows the start. */
      interval: duration.prefault('1h'),
      /** What goes to other origins in these walks. */
      rate: rate.prefault('50MB/s'),
    })
    .prefault({}),
  /** Blobs at rest are read and compared with their digests. */
  scrub: z
    .strictObject({
      /** Each blob is verified once in this time. */
      period: duration.prefault('30d'),
      /** What is read for it. */
      rate: rate.prefault('20MB/s'),
    })
    .prefault({}),
  /** The backends behind the cluster, by repository; the first rule that fits counts. The same for all origins. */
  backends: backendRulesSchema.prefault([{ repository: '*', backend: { driver: 'file', folder: 'data/backend' } }]),
  /** Blobs that were acknowledged by replicas and wait for the backend. */
  writeBack: z
    .strictObject({
      /** The journal; one process per folder. Default: `journal` in the origin's folder. */
      folder: z.string().min(1).exactOptional(),
      /** Share of `store.capacity` that may wait; more pushes wait for the backend. 0: all of them. */
      share: z.number().min(0).max(1).default(0.5),
      /** Blobs written to the backends at one time. */
      concurrency: z.number().int().min(1).max(1000).default(4),
      /** So much later each further owner looks whether the backend has a blob, and writes it if not. */
      spareDelay: duration.prefault('1m'),
      /** Longest waits between two tries of a blob: they double from the first to the last. */
      retryMin: duration.prefault('1s'),
      retryMax: duration.prefault('5m'),
      /** Tries of a blob before it becomes a dead letter. */
      attempts: z.number().int().min(1).default(1000),
    })
    .prefault({}),
  /** The ring of origins. */
  origins: rings.origins,
  trackers: rings.trackers,
  /** Networks whose hosts may be peers, as CIDRs. */
  allowedPeers: z.array(z.string()).default(['0.0.0.0/0', '::/0']),
  limits: z
    .strictObject({
      /** What peers get from here, all together. */
      upload: rate.prefault('unlimited'),
    })
    .prefault({}),
})

export type OriginConfig = z.output<typeof originSchema>
