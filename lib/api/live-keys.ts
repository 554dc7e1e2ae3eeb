import { z } from 'zod'
import { byteSize, duration, logLevel, rate } from '../config/index.ts'
import { pullKeys, withholdRules } from '../service/index.ts'
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

/**
 * The keys that a service obeys while it runs, by their names in its config, which takes their schemas from here. For a
 * further one add its row, and what obeys it in `services/KIND/live.ts`: that does not compile before.
 */
export const liveKeys = {
  agent: {
    log: logLevel,
    'limits.upload': rate,
    'limits.download': rate,
    'registry.clientRequests': z.number().min(0.1).max(100_000).optional(),
    'registry.fill': z.boolean(),
    'pulls.clientMax': pullKeys.clientMax,
    'pulls.rules': pullKeys.rules,
    'pulls.blocks': pullKeys.blocks,
    withhold: withholdRules,
    'store.capacity': byteSize,
    'store.minFree': byteSize,
    'scrub.rate': rate,
  },
  origin: {
    log: logLevel,
    'limits.upload': rate,
    'ingest.fill': fill,
    withhold: withholdRules,
    'store.minFree': byteSize,
    'handOver.rate': rate,
    'scrub.rate': rate,
  },
  tracker: {
    policy: text(64).min(1),
    'announce.perSecond': z.number().positive(),
    'announce.minInterval': duration,
    'announce.maxInterval': duration,
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
