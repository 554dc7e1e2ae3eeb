import { z } from 'zod'
import { announceLimits, liveKeys } from '../../lib/api/index.ts'
import { byteSize, duration, storePassword, storeUser } from '../../lib/config/index.ts'
import { managerKey } from '../../lib/joining/index.ts'
import { checkForeignPeers, commonKeys, listenerOf, rings, secretsOf, swarmKeys } from '../../lib/service/index.ts'

const live = liveKeys.tracker

/** Where redis is. Credentials have keys of their own: a URL is printed. */
const redisUrl = z
  .string()
  .regex(
    /^rediss?:\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9]\d{0,4})?(\/\d{1,4})?$/,
    'write it like redis://host:6379, or rediss://host:6379/1 with TLS; the password has a key of its own',
  )

const keys = z.strictObject({
  ...commonKeys,
  secrets: secretsOf('tracker'),
  /** The API for announces and metainfo. */
  http: listenerOf('tracker', 'http'),
  /** Probes and metrics. */
  ops: listenerOf('tracker', 'ops'),
  /** The admin API. */
  admin: listenerOf('tracker', 'admin'),
  /** The manager that it joins, if there is one. */
  manager: managerKey,
  /** The member of `trackers.members` that this process is. Without it, the only one. */
  member: z.string().min(1).max(128).exactOptional(),
  /** All trackers of the cluster, which tell each other of bans, drains and settings. */
  trackers: rings.trackers,
  /** The ring of origins whose metainfo the tracker relays. */
  origins: rings.origins,
  /** They say what images consist of, for jobs. */
  buildIndexes: rings.buildIndexes,
  /** Where jobs, and bans, drains and settings of admins, are kept. One process per folder. */
  folder: z.string().min(1).default('data/tracker'),
  /** The order in which an answer names peers. */
  policy: live.policy.default('adaptive'),
  announce: z
    .strictObject({
      /** Announces that this tracker accepts per second: of downloads, and of nodes with complete blobs. */
      perSecond: live['announce.perSecond'].default(1000),
      minInterval: live['announce.minInterval'].prefault('5s'),
      maxInterval: live['announce.maxInterval'].prefault('120s'),
    })
    .refine(({ minInterval, maxInterval }) => minInterval <= maxInterval, {
      message: 'minInterval must not be above maxInterval',
    })
    .prefault({}),
  /** How swarms work. */
  swarm: swarmKeys,
  swarms: z
    .strictObject({
      /** Most swarms; beyond it the tracker forgets one of a caller that holds many, first those without seeders. */
      max: z.number().int().min(1).default(100_000),
      /** Most entries of all swarms together; beyond it the same. */
      maxEntries: z.number().int().min(1).default(400_000),
      /** Most peers of a swarm; beyond it the tracker forgets a peer of a caller that has many there. */
      maxPeers: z.number().int().min(1).default(20_000),
    })
    .prefault({}),
  seeds: z
    .strictObject({
      /** Most nodes with complete blobs; beyond it the tracker forgets one of a caller that has many, agents first. */
      maxNodes: z.number().int().min(1).default(50_000),
      /** Most complete blobs of all nodes together; beyond it the same. A node may announce a million. */
      maxSeeds: z.number().int().min(announceLimits.maxSeeds).default(10_000_000),
      /** Most different blobs among them; beyond it the same. */
      maxSwarms: z.number().int().min(1).default(500_000),
    })
    .prefault({}),
  store: z
    .strictObject({
      /** memory: this tracker alone knows its peers. redis: it shares them with the other trackers. */
      driver: z.enum(['memory', 'redis']).default('memory'),
      url: redisUrl.exactOptional(),
      username: storeUser.exactOptional(),
      password: storePassword.exactOptional(),
      /** PEM file of certificate authorities that are trusted in addition to those of Node. */
      ca: z.string().min(1).exactOptional(),
      /** Every key begins with it. */
      prefix: z
        .string()
        .regex(/^[\x21-\x7e]{1,64}$/, 'a prefix is 1 to 64 ASCII characters without spaces')
        .default('shoal:'),
    })
    .refine(({ driver, url }) => driver === 'memory' || url !== undefined, {
      message: 'the driver redis needs a url, such as redis://redis.example.com:6379',
      path: ['url'],
    })
    .prefault({}),
  /** Jobs for hosts. */
  fleet: z
    .strictObject({
      /** Hosts of one job that work at the same time, unless the job says otherwise. */
      atOnce: z.number().int().min(1).max(1000).default(50),
      /** So long after the start, a job must name its hosts: not all have come yet. */
      gather: duration.prefault('45s'),
      /** How long a job that has ended is kept. */
      keep: duration.prefault('7d'),
    })
    .prefault({}),
  relay: z
    .strictObject({
      /** Bytes of complete metainfo kept for later readers. */
      cache: byteSize.refine((bytes) => bytes > 0, 'the cache cannot be empty').prefault('64MiB'),
      /** Most streams to origins at the same time. */
      maxUpstreams: z.number().int().min(1).default(1000),
      /** How long a stream from an origin goes on after its last reader has left. */
      linger: duration.prefault('10s'),
      /** How long the tracker remembers that no origin knows a blob; at most 1 s. */
      missTtl: duration.refine((ms) => ms <= 1000, 'at most 1s').prefault('1s'),
    })
    .prefault({}),
})

/** Two trackers of one name would take each other for themselves, and for who said what. */
const ownMember = ({ member, trackers: { members } }: z.output<typeof keys>): string | undefined => {
  // Those of a source are known later, and may change.
  if (!('length' in members)) return member
  if (member === undefined) return members.length === 1 ? members[0]?.id : undefined
  return members.find(({ id }) => id === member)?.id
}

/** Every key of a tracker; `config/tracker/base.yaml` shows them with their defaults. */
export const trackerSchema = keys.superRefine(checkForeignPeers).transform((config, context) => {
  const member = ownMember(config)
  if (member !== undefined) return { ...config, member }
  const { members } = config.trackers
  const known = 'length' in members ? `, one of: ${members.map(({ id }) => id).join(', ')}` : ''
  const message = `name the member of trackers.members that this tracker is${known}`
  context.issues.push({ code: 'custom', path: ['member'], message, input: config.member })
  return z.NEVER
})

export type TrackerConfig = z.output<typeof trackerSchema>
