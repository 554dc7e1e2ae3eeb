import { z } from 'zod'
import { list, text } from './bounded.ts'
import { tagSchema } from './schemas.ts'

/** Of names of repositories, and of messages of errors. */
const MAX_TEXT = 4 * 1024
/** Tags, and repositories, that a report names: it lies in one record. */
export const MAX_SHOWN = 50
/** Tags of one repository on a page: the default and the maximum. */
export const MAX_VERDICTS = 500

const countSchema = z.number().int().min(0)

/**
 * Why a tag is kept. `noRule`: no rule is about it. `protected`, `immutable`: no rule may be. `signature`: it is the name of
 * a signature or of a list of referrers. `newest`, `young`, `pulled`: its rule keeps it. `undated`: nobody knows when it was
 * moved.
 */
export const keptReasons = [
  'noRule',
  'protected',
  'immutable',
  'signature',
  'newest',
  'young',
  'pulled',
  'undated',
] as const

const verdictSchema = z.object({
  tag: tagSchema,
  kept: z.boolean(),
  /** `expired`: it is not kept. */
  reason: z.enum([...keptReasons, 'expired']),
  /** The rule that is about it, counted from 0. */
  rule: countSchema.exactOptional(),
  /** When it was moved last; 0: nobody knows. */
  changedAtMs: z.number(),
  /** When somebody asked for it last, to the hour. */
  pulledAtMs: z.number().exactOptional(),
})
/** What the rules say of a tag. */
export type RetentionVerdict = z.output<typeof verdictSchema>

export const retentionVerdictsSchema = z.object({
  tags: list(verdictSchema, MAX_VERDICTS),
  next: tagSchema.exactOptional(),
})

export const retentionCountsSchema = z.object({
  repositories: countSchema,
  tags: countSchema,
  removed: countSchema,
  /** Not removed, because they were moved, deleted or pulled since they were judged. */
  spared: countSchema,
  kept: z.object(Object.fromEntries(keptReasons.map((reason) => [reason, countSchema])) as KeptCounts),
})
type KeptCounts = Record<(typeof keptReasons)[number], typeof countSchema>
export type RetentionCounts = z.output<typeof retentionCountsSchema>

export const retentionReportSchema = z.object({
  id: text(64),
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  dryRun: z.boolean(),
  startedAtMs: z.number(),
  updatedAtMs: z.number(),
  /** Where it is; a key of the index. */
  at: text(MAX_TEXT),
  counts: retentionCountsSchema,
  /** The first tags that were removed, or would be. */
  removed: list(verdictSchema.extend({ repository: text(MAX_TEXT) }), MAX_SHOWN),
  /** Repositories that keep all their tags, because they could not be read, and why. */
  unreadable: list(z.object({ repository: text(MAX_TEXT), code: text(64) }), MAX_SHOWN),
  lastError: z.object({ code: text(64), message: text(MAX_TEXT) }).exactOptional(),
})
/** What a look at the tags has found and done. In a dry run nothing is done, and `removed` says what would be. */
export type RetentionReport = z.output<typeof retentionReportSchema>
