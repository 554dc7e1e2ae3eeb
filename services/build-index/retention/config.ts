import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'
import { lookInterval } from '../looks/config.ts'
import { tagRuleSchema } from '../replication/config.ts'

/** Pulls are written at most once an hour for each tag. */
const LEAST_PULLED_MS = 7_200_000

const retentionRuleSchema = tagRuleSchema
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
export type RetentionRule = z.output<typeof retentionRuleSchema>

/** What a push or another cluster has asked for, it names within this time. */
const LEAST_UNTAGGED_MS = 3_600_000

const untaggedRuleSchema = z.strictObject({
  repository: tagRuleSchema.shape.repository,
  /** A manifest goes when nothing has needed it, and nobody has asked for it, for so long. */
  olderThan: duration.refine((ms) => ms >= LEAST_UNTAGGED_MS, 'at least 1h'),
})
export type UntaggedRule = z.output<typeof untaggedRuleSchema>

/** Which tags and manifests go by themselves. */
export const retentionSchema = z
  .strictObject({
    /** From the begin of one look at the tags to the next; `off`: only when an admin orders one. */
    interval: lookInterval,
    /** Whether anything is deleted; without it a look only says which ones would be. */
    remove: z.boolean().default(false),
    /** The first rule that fits a tag says whether it is kept; tags that no rule fits are. */
    rules: z.array(retentionRuleSchema).max(100).prefault([]),
    /** Tags that are kept whatever the rules say. */
    protect: z.array(tagRuleSchema).max(100).prefault([]),
    /** The first rule that fits a repository says when its manifests go that no tag needs; others keep them. */
    untagged: z.array(untaggedRuleSchema).max(100).prefault([]),
    /** Records of tags and manifests that are read or changed in a second. */
    rate: z.number().int().min(1).max(100_000).default(200),
  })
  .prefault({})
export type RetentionConfig = z.output<typeof retentionSchema>
