import { z } from 'zod'
import { byteSize, duration, logLevel, rate } from '../config/index.ts'
import { lookKeys, mirrorKeys, pullKeys, withholdRules } from '../service/index.ts'
import { text } from './bounded.ts'

/** `on`, `off` or a rate; parsed to bytes per second, undefined for `on`. */
const fill = text(64)
  .transform((said, context): number | undefined => {
    if (said === 'on') return undefined
    if (said === 'off') return 0
    const parsed = rate.safeParse(said)
    if (parsed.success) return parsed.data
    context.addIssue(`"${said}" says not how fast to fill; write on, off, or a rate like 20MB/s`)
    return z.NEVER
  })
  .meta({ format: 'fill' })

/** Links, and torrents' connections and slots: at most what a process keeps files for, and an answer names peers for. */
const swarmKeys = {
  'limits.connections': z.number().int().min(16).max(512),
  'limits.blobConnections': z.number().int().min(2).max(48),
  'limits.uploadSlots': z.number().int().min(1).max(64),
} as const

const MIB = 1024 * 1024
const MOST_WINDOW = 32 * MIB
const LEAST_WINDOW = 2 * MIB
const MOST_LINK_MEMORY_MS = 60_000
const window = byteSize.refine((bytes) => bytes >= LEAST_WINDOW && bytes <= MOST_WINDOW, 'from 2MiB to 32MiB')

/** Above `high` of its capacity, a store evicts what was used least lately until it is below `low`. */
const watermarks = {
  'store.highWatermark': z.number().gt(0).max(1),
  'store.lowWatermark': z.number().gt(0).max(1),
} as const

/** What an announce interval can be, and how many announces a tracker can want; admins may set no other ones either. */
export const announceBounds = { leastMs: 100, mostMs: 86_400_000, mostPerSecond: 1_000_000 } as const
const announceInterval = duration.refine(
  (ms) => ms >= announceBounds.leastMs && ms <= announceBounds.mostMs,
  'from 100ms to 1d',
)

/** The orders in which trackers name peers. */
export const policyNames = ['completeness', 'topology', 'adaptive'] as const

/**
 * The keys that a service obeys while it runs, by their names in its config, which takes their schemas from here. For a
 * further one add its row, and what obeys it in `services/KIND/live.ts`: that does not compile before.
 */
export const liveKeys = {
  agent: {
    log: logLevel,
    'limits.upload': rate,
    'limits.download': rate,
    ...swarmKeys,
    'limits.window': window,
    'limits.pipeline': z.number().int().min(4).max(64),
    'registry.clientRequests': z.number().min(0.1).max(100_000).optional(),
    'registry.fill': z.boolean(),
    'registry.upstreams': mirrorKeys.upstreams,
    'registry.upstreamWait': mirrorKeys.upstreamWait,
    'pulls.clientMax': pullKeys.clientMax,
    'pulls.rules': pullKeys.rules,
    'pulls.blocks': pullKeys.blocks,
    withhold: withholdRules,
    'store.capacity': byteSize,
    'store.minFree': byteSize,
    ...watermarks,
    'scrub.rate': rate,
  },
  origin: {
    log: logLevel,
    'limits.upload': rate,
    ...swarmKeys,
    'ingest.fill': fill,
    withhold: withholdRules,
    'store.minFree': byteSize,
    ...watermarks,
    'store.uploadIdle': duration.refine((ms) => ms >= 1_000, 'at least 1s'),
    'handOver.rate': rate,
    'scrub.rate': rate,
  },
  'build-index': {
    log: logLevel,
    linkMemory: duration.refine((ms) => ms <= MOST_LINK_MEMORY_MS, 'at most 1m'),
    'garbage.interval': lookKeys.garbage.interval,
    'garbage.grace': lookKeys.garbage.grace,
    'garbage.remove': lookKeys.garbage.remove,
    'garbage.rate': lookKeys.garbage.rate,
    'retention.interval': lookKeys.retention.interval,
    'retention.remove': lookKeys.retention.remove,
    'retention.rules': lookKeys.retention.rules,
    'retention.protect': lookKeys.retention.protect,
    'retention.untagged': lookKeys.retention.untagged,
    'retention.rate': lookKeys.retention.rate,
  },
  tracker: {
    policy: z.enum(policyNames, { error: `there is no such policy; known are: ${policyNames.join(', ')}` }),
    'announce.perSecond': z.number().positive().max(announceBounds.mostPerSecond),
    'announce.minInterval': announceInterval,
    'announce.maxInterval': announceInterval,
  },
} as const

/** Services that can be steered. */
export type LiveKind = keyof typeof liveKeys

/** What the live keys of a service are parsed to. */
export type LiveValues<Kind extends LiveKind> = {
  readonly [Key in keyof (typeof liveKeys)[Kind]]: (typeof liveKeys)[Kind][Key] extends z.ZodType<infer Value>
    ? Value
    : never
}

export const isLiveKind = (kind: string): kind is LiveKind => Object.hasOwn(liveKeys, kind)

/** Their schemas by name; what is not there is not live. */
export const liveSchemas = (kind: LiveKind): ReadonlyMap<string, z.ZodType> => new Map(Object.entries(liveKeys[kind]))
