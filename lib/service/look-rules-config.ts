import { z } from 'zod'
import { duration } from '../config/index.ts'

/** Most rules of each kind. */
const MOST_RULES = 100
const MAX_PATTERN = 512
const LEAST_INTERVAL_MS = 60_000
/**
 * Origins say of nothing that it is there when they spared it more than five minutes ago; the rest is for the request that
 * then links it, and for the difference of clocks.
 */
const LEAST_GRACE_MS = 3_600_000
/** Pulls are written at most once an hour for each tag. */
const LEAST_PULLED_MS = 7_200_000
/** What a push or another cluster has asked for, it names within this time. */
const LEAST_UNTAGGED_MS = 3_600_000

/** `*` stands for any characters. */
export const tagPattern = z.string().min(1).max(MAX_PATTERN)

/** Tags of repositories; both patterns have to fit. */
export const tagRuleSchema = z.strictObject({ repository: tagPattern, tag: tagPattern.default('*') })

/** From the begin of one look at the whole index to the next; `off`: only when an admin orders one. */
const interval = z
  .union([
    z.literal('off').transform(() => undefined),
    duration.refine((ms) => ms >= LEAST_INTERVAL_MS, 'off, or at least 1m'),
  ])
  .meta({ format: 'interval' })
/** Objects that are looked at or changed in a second. */
const perSecond = z.number().int().min(1).max(100_000)

const retentionRule = tagRuleSchema
  .extend({
    /** So many of the tags of a repository that the rule is about, those that were moved last. */
    newest: z.number().int().min(1).max(100_000).exactOptional(),
    /** Those that were moved at most so long ago. */
    youngerThan: duration.exactOptional(),
    /** Those that somebody asked for at most so long ago. */
    pulledWithin: duration.refine((ms) => ms >= LEAST_PULLED_MS, 'at least 2h').exactOptional(),
    /** Whether the rule is also about tags that are immutable. */
    immutable: z.boolean().default(false),
  })
  .refine(({ newest, youngerThan, pulledWithin }) => (newest ?? youngerThan ?? pulledWithin) !== undefined, {
    message: 'keeps nothing: give newest, youngerThan or pulledWithin',
  })

const untaggedRule = z.strictObject({
  repository: tagPattern,
  /** A manifest goes when nothing has needed it, and nobody has asked for it, for so long. */
  olderThan: duration.refine((ms) => ms >= LEAST_UNTAGGED_MS, 'at least 1h'),
})

/** The config keys below `garbage` and `retention` of a build-index, without their defaults: all change while it runs. */
export const lookKeys = {
  /** What no repository needs any more. */
  garbage: {
    interval,
    /** What nobody needs is removed when a look finds it so again after this time. */
    grace: duration.refine((ms) => ms >= LEAST_GRACE_MS, 'at least 1h'),
    /** Whether anything is condemned and removed; without it a look only counts. */
    remove: z.boolean(),
    rate: perSecond,
  },
  /** Which tags and manifests go by themselves. */
  retention: {
    interval,
    /** Whether anything is deleted; without it a look only says which ones would be. */
    remove: z.boolean(),
    /** The first rule that fits a tag says whether it is kept; tags that no rule fits are. */
    rules: z.array(retentionRule).max(MOST_RULES),
    /** Tags that are kept whatever the rules say. */
    protect: z.array(tagRuleSchema).max(MOST_RULES),
    /** The first rule that fits a repository says when its manifests go that no tag needs; others keep them. */
    untagged: z.array(untaggedRule).max(MOST_RULES),
    rate: perSecond,
  },
} as const
