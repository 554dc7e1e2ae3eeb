import { z } from 'zod'
import { byteSize, duration } from '../../lib/config/index.ts'
import { commonKeys, listenerOf, rings } from '../../lib/service/index.ts'
import { policyNames } from './policy/policies.ts'

/** Every key of a tracker; `config/tracker/base.yaml` shows them with their defaults. */
export const trackerSchema = z.strictObject({
  ...commonKeys,
  /** Announces and metainfo. */
  http: listenerOf('tracker', 'http'),
  /** Probes and metrics. */
  ops: listenerOf('tracker', 'ops'),
  /** The ring of origins, whose metainfo is relayed. */
  origins: rings.origins,
  /** In which order peers are named. */
  policy: z
    .enum(policyNames, { error: `there is no such policy; known are: ${policyNames.join(', ')}` })
    .default('completeness'),
  announce: z
    .strictObject({
      /** Announces of one torrent that this tracker is to take in a second; the interval follows from it. */
      perSecond: z.number().positive().default(1000),
      minInterval: duration.prefault('5s'),
      maxInterval: duration.prefault('120s'),
    })
    .refine(({ minInterval, maxInterval }) => minInterval > 0 && minInterval <= maxInterval, {
      message: 'minInterval must be above 0 and not above maxInterval',
    })
    .prefault({}),
  swarms: z
    .strictObject({
      /** Beyond this the swarm that was announced to least lately is forgotten. */
      max: z.number().int().min(1).default(100_000),
      /** Beyond this the peer of the swarm that announced least lately is forgotten. */
      maxPeers: z.number().int().min(1).default(20_000),
    })
    .prefault({}),
  relay: z
    .strictObject({
      /** Complete metainfo kept for later readers, in bytes. */
      cache: byteSize.refine((bytes) => bytes > 0, 'the cache cannot be empty').prefault('64MiB'),
      /** Streams to origins at one time. */
      maxUpstreams: z.number().int().min(1).default(1000),
      /** How long a stream goes on when its last reader has left. */
      linger: duration.prefault('10s'),
      /** How long a blob that no origin knows is not asked for again; at most 1 s. */
      missTtl: duration.refine((ms) => ms <= 1000, 'at most 1s').prefault('1s'),
    })
    .prefault({}),
})

export type TrackerConfig = z.output<typeof trackerSchema>
